"""The form of a calendar: windows as lines of text, from a definition and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from jobs.domain.calendar_text import text_of, windows_from_text
from jobs.domain.calendars import parse_windows, windows_json
from jobs.domain.states import CalendarMode
from jobs.models import Calendar
from jobs.web import words
from jobs.web.http import small_number

_EXAMPLE = """mon-fri 22:00-06:00 Nightly
sat,sun Weekend
12-25 Christmas
2026-12-24..2027-01-02 Holidays
2026-11-22T10:00Z..2026-11-22T12:00Z Maintenance"""


def _text(**attributes: str) -> forms.TextInput:
    return forms.TextInput(attrs={"class": "in", "autocomplete": "off", **attributes})


class CalendarForm(forms.Form):
    """Only carries text: `services.calendars` judges it."""

    name = forms.CharField(label=_("Name"), required=False, widget=_text())
    description = forms.CharField(label=_("Description"), required=False, widget=_text())
    mode = forms.CharField(
        label=_("What it does"),
        required=False,
        widget=forms.Select(attrs={"class": "in"}, choices=list(words.CALENDAR_MODE.items())),
    )
    timezone = forms.CharField(label=_("Time zone"), required=False, widget=_text(list="zones"))
    windows = forms.CharField(
        label=_("Windows"),
        help_text=_("One a line; what follows the time is its label."),
        required=False,
        strip=False,
        widget=forms.Textarea(
            attrs={
                "class": "in mono",
                "rows": 10,
                "spellcheck": "false",
                "placeholder": _EXAMPLE,
            }
        ),
    )
    file = forms.FileField(
        label=_("Read from a file"),
        help_text=_("iCalendar (.ics), at most 1 MB; it replaces the lines above"),
        required=False,
        widget=forms.FileInput(attrs={"class": "in", "accept": ".ics,text/calendar"}),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarDraft:
    """A calendar while it is being written."""

    values: dict[str, str]
    version: int = 0
    expanded_until: datetime | None = None

    def definition(self) -> dict[str, Any]:
        """Return what `services.calendars` judges; InvalidError names the lines that are wrong."""
        windows = windows_json(windows_from_text(self.values["windows"]))
        return {**self.values, "windows": windows}


_FIELDS = ("name", "description", "mode", "timezone", "windows")


def empty(zone: str) -> CalendarDraft:
    """Return the draft of a new calendar."""
    values = dict.fromkeys(_FIELDS, "")
    return CalendarDraft(values={**values, "mode": CalendarMode.BLOCK.value, "timezone": zone})


def of(row: Calendar) -> CalendarDraft:
    """Return the draft of a stored calendar."""
    values = {name: str(getattr(row, name)) for name in _FIELDS}
    values["windows"] = text_of(parse_windows(row.windows))
    return CalendarDraft(values=values, version=row.version, expanded_until=row.expanded_until)


def from_post(data: Mapping[str, str]) -> CalendarDraft:
    """Return what was typed."""
    return CalendarDraft(
        values={name: data.get(name, "").replace("\0", "") for name in _FIELDS},
        version=small_number(data.get("version", "")) or 0,
        expanded_until=_moment(data.get("expanded_until", "")),
    )


def form_of(draft: CalendarDraft, errors: Mapping[str, str]) -> CalendarForm:
    """Return the form with each sentence at its field."""
    form = CalendarForm(draft.values)
    form.is_valid()
    for key, sentence in errors.items():
        name = key.partition(".")[0]
        form.add_error(name if name in form.fields else None, sentence)
    return form


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
