"""Templates: their registry, who deploys each, and what of that has drifted."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from jobs.domain.errors import JobdeckError
from jobs.domain.permissions import Permission
from jobs.domain.said import spoken
from jobs.models import Template
from jobs.queries.templates import get_template, list_templates, name_of_number, rows_of
from jobs.services import templates
from jobs.services.template_requests import parse_template
from jobs.web import guard, template_words
from jobs.web.confirm import Confirm, Fact, deletion
from jobs.web.filters import page_mark
from jobs.web.http import AuthedRequest, toast_on_page, toast_or_redirect
from jobs.web.live import region, tag_of
from jobs.web.template_forms import form_of
from jobs.web.toasts import Toast

_SIZE = 50
_TOPICS = ("jobs", "executions")
_FIELDS = ("name", "url", "path", "ref", "description")


@guard.page()
def template_list(request: AuthedRequest) -> HttpResponse:
    """Show the templates by name."""
    search = request.GET.get("q", "").replace("\0", "").strip()[:200]
    after = page_mark(request, "after")
    page = list_templates(search=search, after=name_of_number(after) if after else "", limit=_SIZE)
    kept = {"q": search} if search else {}
    context = {
        "section": "templates",
        "own_search": True,
        "search": search,
        "rows": rows_of(page.rows),
        "unregistered": [] if search or after else templates.unregistered(),
        "older": urlencode({**kept, "after": page.next_after}) if page.next_after else None,
        "newest": urlencode(kept) if after else None,
        "may_change": request.actor.may(Permission.ADMINISTER),
    }
    return render(request, "pages/templates.html", context)


@guard.page()
def template_page(request: AuthedRequest, template: str) -> HttpResponse:
    """Show one with the workspaces that name it."""
    row = get_template(template)
    context = {
        "section": "templates",
        "may_change": request.actor.may(Permission.ADMINISTER),
        "faults": templates.faults_of(row),
        **_uses(row),
        "tag": tag_of(*_TOPICS, now=timezone.now(), extra=_extra(row)),
    }
    return render(request, "pages/template.html", context)


@guard.page()
def uses_region(request: AuthedRequest, template: str) -> HttpResponse:
    """Answer the poll of a template and of the workspaces that name it: plans end meanwhile."""
    row = get_template(template)
    tag = tag_of(*_TOPICS, now=timezone.now(), extra=_extra(row))
    return region(request, "partials/template_uses.html", tag, lambda: _uses(row))


def _extra(row: Template) -> str:
    """Return what changes with the template itself, which no topic counts."""
    return f"{row.updated_at.timestamp()}{row.checked_at and row.checked_at.timestamp()}"


def _uses(template: Template) -> dict[str, object]:
    row = rows_of([template])[0]
    return {
        "row": row,
        "template": row.template,
        "uses": [template_words.shown(one) for one in row.uses],
    }


@guard.form(Permission.ADMINISTER)
def new(request: AuthedRequest) -> HttpResponse:
    """Show the form of a new template; register it and fetch its files."""
    if request.method != "POST":
        return _form(request, {})
    typed = {name: request.POST.get(name, "").strip() for name in _FIELDS}
    try:
        wanted = parse_template(typed)
        source = templates.Source(url=wanted.url, path=wanted.path, ref=wanted.ref)
        made = templates.add(
            wanted.name, source, description=wanted.description, actor=request.actor
        )
    except JobdeckError as error:
        return _form(request, typed, error)
    toast = Toast(text=_("Fetched %s.") % made.name, icon="circle-check")
    return toast_on_page(request, toast, url=reverse("template", args=[made.name]))


def _form(
    request: AuthedRequest, typed: Mapping[str, str], error: JobdeckError | None = None
) -> HttpResponse:
    context = {"section": "templates", "form": form_of(typed, error)}
    status = 200 if error is None else 422
    return render(request, "pages/template_form.html", context, status=status)


@guard.action(Permission.ADMINISTER)
def update(request: AuthedRequest, template: str) -> HttpResponse:
    """Fetch its files anew, and compare what is deployed with changed ones."""
    done = templates.update(template, actor=request.actor)
    text = _("%s is as its source has it.") % done.template.name
    if done.changed:
        text = _("Updated %s; nothing is deployed.") % done.template.name
    return _told(request, done, text)


@guard.action(Permission.ADMINISTER)
def plan(request: AuthedRequest, template: str) -> HttpResponse:
    """Compare what is deployed with its files."""
    done = templates.plan_users(template, actor=request.actor)
    return _told(request, done, _("Nothing is fetched or deployed."))


def _told(request: AuthedRequest, done: templates.Updated, text: str) -> HttpResponse:
    count = len(done.planned)
    if count:
        started = ngettext("%d plan was started.", "%d plans were started.", count) % count
        text = f"{text} {started}"
    if done.refused:
        name, reason = next(iter(done.refused.items()))
        text = f"{text} {name}: {spoken(reason)}"
    toast = Toast(text=text, icon="rotate-cw", kind="bad" if done.refused else "ok")
    url = reverse("template", args=[done.template.name])
    return toast_or_redirect(request, toast, default=url)


@guard.form(Permission.ADMINISTER)
def delete(request: AuthedRequest, template: str) -> HttpResponse:
    """Ask, and delete."""
    return _delete(request, template, "pages/confirm.html")


@guard.form(Permission.ADMINISTER)
def delete_dialog(request: AuthedRequest, template: str) -> HttpResponse:
    """Do the same in a dialog over the page."""
    return _delete(request, template, "partials/confirm_dialog.html")


def _delete(request: AuthedRequest, name: str, page: str) -> HttpResponse:
    row = get_template(name)
    if request.method == "POST":
        templates.remove(row.name, actor=request.actor)
        toast = Toast(text=_("Deleted %s.") % row.name, icon="trash-2")
        return toast_on_page(request, toast, url=reverse("templates"))
    return render(request, page, {"section": "templates", "confirm": _question(row)})


def _question(row: Template) -> Confirm:
    found = rows_of([row])[0]
    used = (
        Fact("octagon-alert", _("Workspaces or jobs name it: it is not deleted while they do."))
        if found.uses or found.jobs
        else Fact("circle-check", _("No workspace and no job names it."))
    )
    files = Fact("folder", _("Its files go with it; what is deployed stays."))
    return deletion("template", row.name, facts=[used, files], verb=_("Delete template"))
