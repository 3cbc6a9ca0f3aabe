"""The form of what a person sets for the own pages. It only carries text: the service judges it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from jobs.domain.preferences import Density, ExecutionColumn, JobColumn, Theme
from jobs.models import Preference
from jobs.web.person_forms import TypedForm

_THEMES = [("", _("As the system")), (Theme.LIGHT.value, _("Light")), (Theme.DARK.value, _("Dark"))]
_DENSITIES = [
    (Density.COMFORTABLE.value, _("Comfortable")),
    (Density.COMPACT.value, _("Compact")),
]
_JOB_COLUMNS = [
    (JobColumn.SCHEDULE.value, _("Schedule")),
    (JobColumn.NEXT.value, _("Next run")),
    (JobColumn.STRIP.value, _("Last 20 runs")),
    (JobColumn.SUCCESS.value, _("Success")),
    (JobColumn.LAST.value, _("Last run")),
]
_EXECUTION_COLUMNS = [
    (ExecutionColumn.NUMBER.value, _("Run")),
    (ExecutionColumn.TRIGGER.value, _("Started by")),
    (ExecutionColumn.STARTED.value, _("Started")),
    (ExecutionColumn.DURATION.value, _("Duration")),
    (ExecutionColumn.MESSAGE.value, _("Message")),
]


def _select(choices: list[tuple[str, Any]]) -> forms.Select:
    return forms.Select(attrs={"class": "in"}, choices=choices)


class PreferenceForm(TypedForm):
    """All settings; those of lists are boxes, of which none means that nothing was left out."""

    language = forms.CharField(
        label=_("Language"),
        required=False,
        widget=_select([("", _("As the browser")), *settings.LANGUAGES]),
    )
    time_zone = forms.CharField(
        label=_("Time zone"),
        help_text=_("Such as Europe/Paris; empty: that of the browser"),
        required=False,
        widget=forms.TextInput(attrs={"class": "in", "autocomplete": "off", "list": "zones"}),
    )
    theme = forms.CharField(label=_("Theme"), required=False, widget=_select(_THEMES))
    density = forms.CharField(label=_("Rows of lists"), required=False, widget=_select(_DENSITIES))
    single_keys = forms.BooleanField(
        label=_("Single keys act, where no field has the focus"), required=False
    )


def values_of(row: Preference) -> dict[str, Any]:
    """Return the fields as they are saved."""
    return {
        "language": row.language,
        "time_zone": row.time_zone,
        "theme": row.theme,
        "density": row.density or Density.COMFORTABLE.value,
        "single_keys": row.single_keys,
        "job_columns": row.job_columns,
        "execution_columns": row.execution_columns,
    }


def request_of(posted: QueryDict) -> dict[str, Any]:
    """Return what was sent as the service takes it."""
    return {
        "language": posted.get("language") or None,
        "time_zone": posted.get("time_zone", "").strip(),
        "theme": posted.get("theme") or None,
        "density": posted.get("density") or Density.COMFORTABLE.value,
        "single_keys": "single_keys" in posted,
        "job_columns": posted.getlist("job_columns"),
        "execution_columns": posted.getlist("execution_columns"),
    }


Box = tuple[str, Any, bool]


def boxes(values: dict[str, Any]) -> dict[str, list[Box]]:
    """Return the columns of each list as name, word, and whether it is shown."""
    offered = {"job_columns": _JOB_COLUMNS, "execution_columns": _EXECUTION_COLUMNS}
    return {
        field: [
            (name, word, values[field] is None or name in values[field]) for name, word in columns
        ]
        for field, columns in offered.items()
    }
