"""What an empty installation offers: ready examples, and where to look then."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from jobs.domain.permissions import Permission
from jobs.services import example_set, examples
from jobs.web import guard
from jobs.web.http import AuthedRequest, toast_on_page
from jobs.web.toasts import Toast
from jobs.web.words import Text

ALL = "all"
SAMPLES = "samples"
# Name, icon, title, when and what.
SHOWN: tuple[tuple[str, str, Text, Text], ...] = (
    (
        "disk-space",
        "server",
        gettext_lazy("Watch the disk"),
        gettext_lazy(
            "Each 5 minutes. A shell line that fails when nine tenths of the disk are full."
        ),
    ),
    (
        "this-server",
        "heart-pulse",
        gettext_lazy("Ask this server"),
        gettext_lazy("Each minute. Asks /healthz of this very server, and tries twice."),
    ),
    (
        "nightly-report",
        "file-code",
        gettext_lazy("Write a report at night"),
        gettext_lazy("At 02:30 in your zone. A script whose file the run keeps for download."),
    ),
)


@guard.action(Permission.EDIT)
def add(request: AuthedRequest, name: str) -> HttpResponse:
    """Add one example, or all of them, and start each once."""
    if name == SAMPLES:
        return _load(request)
    origin = f"{request.scheme}://{request.get_host()}"
    place = examples.Place(origin=origin, zone=request.viewer.zone)
    wanted = examples.names() if name == ALL else (name,)
    runs = [examples.add(one, place, actor=request.actor) for one in wanted]
    if len(runs) == 1:
        toast = Toast(
            text=_("Added %s. Its first run has been started.") % runs[0].job.name,
            link_text=_("Watch it"),
            link_url=reverse("execution", args=[runs[0].pk]),
        )
    else:
        toast = Toast(text=_("Added three jobs. The first run of each has been started."))
    return toast_on_page(request, toast, url=reverse("overview"))


def _load(request: AuthedRequest) -> HttpResponse:
    """Make the examples of every kind of work, with their workspaces."""
    made = example_set.load(actor=request.actor)
    text = ngettext("Made %(n)s job in workspaces.", "Made %(n)s jobs in workspaces.", len(made))
    url = f"{reverse('jobs')}?tag={example_set.TAG}"
    return toast_on_page(request, Toast(text=text % {"n": len(made)}, icon="plus"), url=url)
