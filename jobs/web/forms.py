"""The fields of the job form. They only carry text: `services.definitions` judges it.

So the form, the JSON API and the command line refuse the same value with the same words.
"""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from jobs.domain.states import (
    Anchor,
    DayMatch,
    Event,
    Fold,
    Gap,
    Misfire,
    Overlap,
    RetryKind,
    ScheduleKind,
    SecondsPosition,
)
from jobs.web import words
from jobs.web.form_fields import Choice, Text, area, number
from jobs.web.kind_forms import KindForm


def _moment(label: words.Text) -> Text:
    """Return a field for a wall-clock time in the schedule's zone."""
    return Text(label=label, widget=forms.DateTimeInput(attrs={"type": "datetime-local"}))


class JobForm(KindForm):
    """What a person decides about a job, but for its schedules and variables."""

    type = Text()
    name = Text(
        label=_("Name"),
        help_text=_("Letters, digits, dot, dash and underscore. Unique in its workspace."),
        max_length=200,
    )
    tags = Text(label=_("Tags"), help_text=_("Separated by commas"))
    workspace = Text(
        label=_("Workspace"),
        widget=forms.TextInput(attrs={"list": "workspaces"}),
        help_text=_("Empty: it stands alone"),
    )
    # Several lines: a field of one line would run them together.
    description = Text(label=_("Description"), widget=area(2), strip=False)
    owner = Text(label=_("Owner"))
    command = Text(mono=True, label=_("Command"), widget=area(2), strip=False)
    script = Text(mono=True, label=_("Script"), widget=area(9), strip=False)
    spec = Text(
        mono=True,
        label=_("Other settings as JSON"),
        help_text=_("What a kind has no field for; empty: nothing"),
        widget=area(4),
    )
    working_dir = Text(
        mono=True,
        label=_("Directory"),
        help_text=_("Below the directory of all jobs; empty: that one"),
    )
    timeout_seconds = Text(label=_("Stop after"), help_text=_("Such as 30m; empty: no limit"))
    soft_timeout_seconds = Text(
        label=_("Warn after"), help_text=_("Told as slow, and goes on; empty: never")
    )
    parameters = Text(
        mono=True,
        label=_("Parameters as JSON"),
        help_text=_("A list of declarations; empty: none"),
        widget=area(6),
    )
    grace_seconds = Text(label=_("Kill after"), help_text=_("More time to end by itself"))
    overlap = Choice(label=_("If still running"), choices=list(words.OVERLAP.items()))
    max_parallel = Text(
        label=_("At most at once"), widget=number(), help_text=_("Runs, where a new one may start")
    )
    misfire = Choice(label=_("If missed"), choices=list(words.MISFIRE.items()))
    retry_kind = Choice(
        label=_("Further waits"),
        choices=[
            *words.RETRY.items(),
            (_("Attempts and waits as for"), list(words.STRATEGY.items())),
        ],
    )
    retry_max_attempts = Text(label=_("Attempts"), widget=number())
    retry_base_seconds = Text(label=_("First wait"))
    retry_cap_seconds = Text(label=_("Longest wait"), help_text=_("Of a doubling one"))
    retry_jitter_seconds = Text(label=_("Random addition"), help_text=_("Up to; such as 10s"))
    retry_on = Text(label=_("Only after"))
    retry_on_exit_codes = Text(
        label=_("Only these exit codes"), help_text=_("Such as 1, 75; empty: any")
    )
    retry_lost = forms.BooleanField(
        required=False, label=_("Also when nobody knows how it ended (lost)")
    )
    auto_disable_after = Text(
        label=_("Disable after"), widget=number(), help_text=_("Failures in a row; empty: never")
    )
    breaker_kind = Choice(
        label=_("Circuit breaker"),
        help_text=_("Leaves out due times of what keeps failing"),
        choices=list(words.BREAKER_KIND.items()),
    )
    breaker_name = Text(
        label=_("Name of the breaker"),
        widget=forms.TextInput(attrs={"list": "breakers"}),
        help_text=_("A known one keeps its settings; a new name makes one"),
    )
    breaker_threshold = Text(label=_("Opens after"), widget=number(), help_text=_("Failures"))
    breaker_window_seconds = Text(label=_("Within"), help_text=_("Such as 1m"))
    breaker_open_seconds = Text(label=_("Stays open"), help_text=_("Such as 5m"))
    breaker_half_open_probes = Text(
        label=_("Test runs"), widget=number(), help_text=_("At a time, after that")
    )
    queue = Text(label=_("Queue"))
    priority = Text(label=_("Priority"), help_text=_("-100 to 100; higher goes first"))
    alert_channel = Text(
        label=_("Alert channel"),
        widget=forms.TextInput(attrs={"list": "channels"}),
        help_text=_("The name of a channel; also told of this job's alerts"),
    )
    mutex = Text(label=_("Mutex"), help_text=_("Of all runs that name the same one, one at a time"))
    requires = Text(label=_("Needs labels"), help_text=_("Of the worker; such as gpu, region=eu"))
    run_on_create = forms.BooleanField(
        required=False, label=_("Run once right after it is created")
    )

    @property
    def retries_have_more(self) -> bool:
        """Say whether anything behind "more" was chosen, or is wrong, so that it has to be seen."""
        names = [f"retry_{name}" for name in _RETRY_MORE]
        return any(
            (self[name].value() or "") not in ("", False, DEFAULTS.get(name, ""))
            or self[name].errors
            for name in names
        )


_RETRY_MORE = ("cap_seconds", "jitter_seconds", "on", "on_exit_codes", "lost")
_KINDS: list[tuple[str, words.Text]] = [
    (ScheduleKind.CRON.value, _("Cron")),
    (ScheduleKind.INTERVAL.value, _("Interval")),
    (ScheduleKind.ONCE.value, _("Once")),
    (ScheduleKind.EVENT.value, _("Event")),
]


class ScheduleForm(forms.Form):
    """One schedule; ``rest`` carries what the form has no field for, and moments to the second."""

    kind = Choice(label=_("Type"), choices=_KINDS)
    expression = Text(
        mono=True,
        label=_("Cron expression or words"),
        widget=forms.TextInput(attrs={"placeholder": _("0 9 * * 1-5, or weekdays at 9")}),
    )
    seconds = Text(label=_("Every"), widget=forms.TextInput(attrs={"list": "intervals"}))
    anchor = Choice(label=_("Counted"), choices=list(words.ANCHOR.items()))
    at = _moment(label=_("Date and time"))
    event = Choice(label=_("Event"), choices=list(words.EVENT.items()))
    timezone = Text(label=_("Time zone"), widget=forms.TextInput(attrs={"list": "zones"}))
    day_match = Choice(label=_("Day and weekday"), choices=list(words.DAY_MATCH.items()))
    seconds_position = Choice(
        label=_("Seconds of six fields"), choices=list(words.SECONDS_POSITION.items())
    )
    gap = Choice(label=_("A time that is skipped"), choices=list(words.GAP.items()))
    fold = Choice(label=_("A time that comes twice"), choices=list(words.FOLD.items()))
    jitter_seconds = Text(label=_("Jitter"), help_text=_("Random, up to; such as 30s"))
    spread_seconds = Text(label=_("Spread"), help_text=_("Fixed for the job, up to"))
    starts_at = _moment(label=_("Not before"))
    ends_at = _moment(label=_("Until"))
    max_executions = Text(label=_("At most"), widget=number(), help_text=_("Runs; empty: no limit"))
    rest = forms.CharField(required=False, widget=forms.HiddenInput())

    @property
    def has_more(self) -> bool:
        """Say whether anything behind "more" was chosen, or is wrong, so that it has to be seen."""
        return any(
            (self[name].value() or default) != default or self[name].errors
            for name, default in _MORE.items()
        )


class VariableForm(forms.Form):
    """One environment variable."""

    name = Text(mono=True, label=_("Name"))
    value = Text(mono=True, label=_("Value"), widget=area(1), strip=False)


class AfterForm(forms.Form):
    """One job to run after."""

    job = Text(label=_("Job"), widget=forms.TextInput(attrs={"list": "jobs"}))
    on = Choice(label=_("Once it"), choices=list(words.DEPENDENCY.items()))


DEFAULTS: dict[str, str] = {
    "type": "script",
    "script": "#!/bin/bash\nset -euo pipefail\n",
    "timeout_seconds": "30m",
    "grace_seconds": "10s",
    "overlap": Overlap.SKIP.value,
    "max_parallel": "1",
    "misfire": Misfire.FIRE_ONCE.value,
    "retry_kind": RetryKind.FIXED.value,
    "retry_max_attempts": "1",
    "retry_base_seconds": "1m",
    "retry_cap_seconds": "1h",
    "retry_jitter_seconds": "0s",
    "breaker_threshold": "5",
    "breaker_window_seconds": "1m",
    "breaker_open_seconds": "5m",
    "breaker_half_open_probes": "1",
    "queue": "default",
    "priority": "0",
}
SCHEDULE_DEFAULTS = {
    "kind": ScheduleKind.CRON.value,
    "expression": "",
    "seconds": "",
    "anchor": Anchor.COMPLETION.value,
    "at": "",
    "event": Event.MANUALLY.value,
    "day_match": DayMatch.ANY.value,
    "seconds_position": SecondsPosition.LAST.value,
    "gap": Gap.FIRST_VALID.value,
    "fold": Fold.FIRST.value,
    "jitter_seconds": "",
    "spread_seconds": "",
    "starts_at": "",
    "ends_at": "",
    "max_executions": "",
}
# What a schedule's row hides until somebody wants it.
_MORE = {
    name: SCHEDULE_DEFAULTS[name]
    for name in (
        "day_match",
        "seconds_position",
        "gap",
        "fold",
        "jitter_seconds",
        "spread_seconds",
        "starts_at",
        "ends_at",
        "max_executions",
    )
}
