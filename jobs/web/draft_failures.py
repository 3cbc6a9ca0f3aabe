"""What is done about failures, while it is being written: retries and the circuit breaker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jobs.domain.states import RetryCause
from jobs.domain.strategies import STRATEGIES, strategy
from jobs.queries.breakers import shared_named
from jobs.web.draft_schedules import Values, duration_text
from jobs.web.forms import DEFAULTS

OWN, SHARED = "own", "shared"
_RETRY = ("kind", "max_attempts", "base_seconds")
# What keeps its default when the field is empty.
_RETRY_MORE = ("cap_seconds", "jitter_seconds")
_DURATIONS = ("base_seconds", "cap_seconds", "jitter_seconds", "window_seconds", "open_seconds")
_SETTINGS = ("threshold", "window_seconds", "open_seconds", "half_open_probes")


def retry_data(values: Values) -> dict[str, Any]:
    """Return the retries as `services.definitions` takes them; what is no number goes on as typed."""
    data: dict[str, Any] = {name: values[f"retry_{name}"] for name in _RETRY}
    for name in _RETRY_MORE:
        data[name] = values[f"retry_{name}"] or DEFAULTS[f"retry_{name}"]
    if data["kind"] in STRATEGIES:  # attempts and waits together, whatever stands beside it
        data |= strategy(data["kind"])
    data["on"] = listed(values["retry_on"]) or None
    codes = listed(values["retry_on_exit_codes"].replace(" ", ","))
    data["on_exit_codes"] = codes or None
    data["lost"] = bool(values["retry_lost"])
    return data


def retry_values(retry: Mapping[str, Any]) -> Values:
    """Return stored retries as fields."""
    values = {f"retry_{name}": _text(name, retry[name]) for name in (*_RETRY, *_RETRY_MORE)}
    values["retry_on"] = ",".join(retry["on"] or ())
    values["retry_on_exit_codes"] = ", ".join(map(str, retry["on_exit_codes"] or ()))
    values["retry_lost"] = "on" if retry["lost"] else ""
    return values


def breaker_data(values: Values) -> str | dict[str, Any] | None:
    """Return the breaker as `services.definitions` takes it.

    The settings of a shared one that exists are not one job's to change: its name is enough.
    """
    kind = values["breaker_kind"]
    if not kind:
        return None
    settings: dict[str, Any] = {
        name: values[f"breaker_{name}"] or DEFAULTS[f"breaker_{name}"] for name in _SETTINGS
    }
    if kind == OWN:
        return settings
    name = values["breaker_name"].strip()
    return name if shared_named(name) else {"name": name or " ", **settings}


def breaker_values(breaker: str | Mapping[str, Any] | None) -> Values:
    """Return a stored breaker as fields."""
    if breaker is None:
        return {"breaker_kind": ""}
    if not isinstance(breaker, str):
        return {"breaker_kind": OWN, **_settings(breaker)}
    row = shared_named(breaker)
    known = _settings({name: getattr(row, name) for name in _SETTINGS}) if row else {}
    return {"breaker_kind": SHARED, "breaker_name": breaker, **known}


def _settings(stored: Mapping[str, Any]) -> Values:
    return {f"breaker_{name}": _text(name, stored[name]) for name in _SETTINGS}


def causes(values: Values) -> list[tuple[str, bool]]:
    """Return every cause of a failure, and whether it is chosen."""
    chosen = listed(values["retry_on"])
    return [(cause.value, cause in chosen) for cause in RetryCause]


def listed(text: str) -> list[str]:
    """Return the words between commas."""
    return [word.strip() for word in text.split(",") if word.strip()]


def _text(name: str, value: Any) -> str:
    return duration_text(value) if name in _DURATIONS else str(value)
