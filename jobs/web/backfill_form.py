"""The form of a backfill: it carries text in the reader's zone, the service judges it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from jobs.domain.backfill import Basis
from jobs.domain.errors import JobdeckError
from jobs.domain.states import BackfillChoice, BackfillOrder
from jobs.services.backfill_requests import BackfillRequest, parse_request
from jobs.web import backfill_words as words
from jobs.web import formats
from jobs.web.words import Text

NAMES = ("from", "to", "only", "order", "schedule", "pace_seconds", "max_parallel")
_MOMENTS = ("from", "to")
_LOCAL = "%Y-%m-%dT%H:%M:%S"
_WINDOW = timedelta(days=1)  # what the empty form offers


def _field(widget: forms.Widget, **words_of_it: Text) -> forms.CharField:
    """Return an optional field that keeps what was typed."""
    options: dict[str, Any] = words_of_it
    return forms.CharField(required=False, widget=widget, **options)


def _text(label: Text, help_text: Text = "", **attributes: str) -> forms.CharField:
    attributes = {"class": "in", "autocomplete": "off", **attributes}
    return _field(forms.TextInput(attributes), label=label, help_text=help_text)


def _moment(label: Text, help_text: Text) -> forms.CharField:
    attributes = {"class": "in", "type": "datetime-local", "step": "1"}
    return _field(forms.DateTimeInput(attributes), label=label, help_text=help_text)


def _select(label: Text, choices: Mapping[str, Text]) -> forms.CharField:
    return _field(forms.Select({"class": "in"}, choices=list(choices.items())), label=label)


class BackfillForm(forms.Form):
    """What a person decides about a backfill."""

    only = _select(_("Which due times"), words.CHOICE)
    order = _select(_("Order"), words.ORDER)
    schedule = _select(pgettext_lazy("due times", "Named by"), words.BASIS)
    pace_seconds = _text(_("Pace"), _("Least time between two starts, such as 30s; empty: none"))
    max_parallel = _text(_("At most at a time"), inputmode="numeric")

    def __init__(self, *args: Any, zone: str, **options: Any) -> None:
        """Add the window, whose names are words of Python."""
        super().__init__(*args, **options)
        first = _moment(_("From"), _("In your zone, %s") % zone)
        self.fields = {"from": first, "to": _moment(_("To"), _("Empty: now")), **self.fields}


def empty(zone: str, now: datetime, *, since: datetime) -> BackfillForm:
    """Return the form of the last day, or of the job's life if that is shorter.

    Before ``since`` there was no job: what its schedules would have named then was not missed.
    """
    end = timezone.localtime(now).replace(second=0, microsecond=0)
    start = max(end - _WINDOW, timezone.localtime(since).replace(second=0, microsecond=0))
    initial = {
        "from": start.strftime(_LOCAL),
        "to": end.strftime(_LOCAL),
        "only": BackfillChoice.MISSED.value,
        "order": BackfillOrder.OLDEST_FIRST.value,
        "schedule": Basis.HISTORY.value,
        "max_parallel": "1",
    }
    return BackfillForm(initial=initial, zone=zone)


def filled(given: Mapping[str, str], zone: str) -> BackfillForm:
    """Return the form with what was given; moments on the reader's clock."""
    data = {name: given.get(name, "") for name in NAMES}
    for name in _MOMENTS:
        moment = _parsed(data[name])
        if moment is not None:
            data[name] = timezone.localtime(moment).strftime(_LOCAL)
    form = BackfillForm(data, zone=zone)
    form.is_valid()
    return form


def request_of(given: Mapping[str, str]) -> BackfillRequest:
    """Return the request; a time without an offset is on the reader's clock."""
    values: dict[str, object] = {
        name: given[name].strip() for name in NAMES if given.get(name, "").strip()
    }
    for name in _MOMENTS:
        moment = _parsed(str(values.get(name, "")))
        if moment is not None:
            values[name] = moment
    return parse_request(values)


def _parsed(text: str) -> datetime | None:
    """Return the moment that a text names; None where the service has to say what is wrong."""
    try:
        moment = datetime.fromisoformat(text.strip())
        if moment.tzinfo is None:
            moment = timezone.make_aware(moment)
        timezone.localtime(moment)
    except (ValueError, OverflowError):
        return None
    return moment


def add_errors(form: BackfillForm, error: JobdeckError) -> str:
    """Show an error at its fields; return the sentence when it belongs to none."""
    known = {name: text for name, text in error.fields.items() if name in form.fields}
    for name, text in known.items():
        form.add_error(name, text)
    return "" if known else error.message


def values_of(request: BackfillRequest, end: datetime) -> dict[str, str]:
    """Return a request as the fields of a form: exact moments, so that no clock matters."""
    return {
        "from": request.start.isoformat(),
        "to": end.isoformat(),
        "only": request.only.value,
        "order": request.order.value,
        "schedule": request.schedule.value,
        "pace_seconds": f"{round(request.pace_seconds, 3)}".removesuffix(".0") + "s",
        "max_parallel": str(request.max_parallel),
    }


def query_of(values: Mapping[str, str], **more: object) -> str:
    """Return the query string of the list that these values ask for."""
    return urlencode({**values, **{name: value for name, value in more.items() if value}})


def pace_words(seconds: float) -> str:
    """Return the pace in words; empty when there is none."""
    return formats.setting(seconds) if seconds else ""
