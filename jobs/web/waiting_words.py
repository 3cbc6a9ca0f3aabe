"""What an execution waits for, in the reader's language.

The kept sentence is that of every face, in English. In another language it is made here anew.
"""

from __future__ import annotations

from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from jobs.domain.labels import split
from jobs.models import Execution
from jobs.queries.waiting import Unserved, Waiting, WaitsFor
from jobs.web.health_words import is_english
from jobs.web.words import Text

_SENTENCES: dict[WaitsFor, Text] = {
    WaitsFor.RESUME: gettext_lazy("Waits: queue %(queue)s is paused"),
    WaitsFor.CLUSTER: gettext_lazy("Waits: no worker serves queue %(queue)s"),
    WaitsFor.MUTEX: gettext_lazy("Waits: mutex %(mutex)s is held by #%(holder)s"),
    WaitsFor.LIMIT: gettext_lazy("Waits: queue %(queue)s runs as many at a time as it may"),
    WaitsFor.STARTS: gettext_lazy(
        "Waits: queue %(queue)s has started as many as it may in a minute"
    ),
    WaitsFor.WORKER: gettext_lazy("Waits for a free worker"),
}
_WITH_LABELS = gettext_lazy("Waits: no worker serves queue %(queue)s with %(labels)s")


def of(waiting: Waiting, execution: Execution) -> str:
    """Return what ``execution`` waits for."""
    if is_english():
        return capfirst(waiting.text)
    labels = ", ".join(split(execution.requires))
    text = _SENTENCES[waiting.kind]
    if waiting.kind == WaitsFor.CLUSTER and labels:
        text = _WITH_LABELS
    return str(text) % {
        "queue": execution.queue,
        "labels": labels,
        "mutex": execution.mutex,
        "holder": waiting.execution_id,
    }


def missing(one: Unserved) -> str:
    """Return which queue nobody serves, and with which labels."""
    labels = ", ".join(split(one.requires))
    if labels:
        text = _("No worker serves queue %(queue)s with %(labels)s")
        return text % {"queue": one.queue, "labels": labels}
    return _("No worker serves queue %s") % one.queue
