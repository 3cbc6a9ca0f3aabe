"""A failed run beside the last success of its job: what differs, in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from jobs.domain.disclosure import definition_for
from jobs.domain.permissions import Actor
from jobs.domain.states import FAILURES
from jobs.models import Execution
from jobs.queries.answers import hidden_answers
from jobs.queries.executions import ran_with
from jobs.queries.last_success import Parting, last_success, parting
from jobs.services.parameter_definitions import shown
from jobs.web import formats

_LONGEST = 200
# Beyond a factor of this, a duration says something.
_MUCH = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One thing, at the last success and now."""

    what: str
    before: str
    now: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What differs from ``success``, what does not, and where the logs part."""

    success: Execution
    rows: list[Row]
    same: list[str]
    parting: Parting | None
    logs_compared: bool


def compared(execution: Execution, actor: Actor) -> Comparison | None:
    """Return the comparison of a failed run; None for any other, and where nothing succeeded before."""
    if execution.state not in FAILURES:
        return None
    success = last_success(execution)
    if success is None:
        return None
    groups = {
        _("definition"): _definition(success, execution, actor),
        _("parameters"): _each(shown(success.parameters), shown(execution.parameters)),
        _("duration"): _duration(success, execution),
        _("exit code"): _ending(success, execution),
        _("worker"): _worker(success, execution),
    }
    readable = not hidden_answers(actor, [success, execution])
    return Comparison(
        success=success,
        rows=[row for rows in groups.values() for row in rows],
        same=[name for name, rows in groups.items() if not rows],
        parting=parting(success, execution) if readable else None,
        logs_compared=readable,
    )


def _definition(before: Execution, now: Execution, actor: Actor) -> list[Row]:
    if before.version == now.version:
        return []
    version = Row(
        what=_("definition"),
        before=_("version %d") % before.version,
        now=_("version %d") % now.version,
    )
    old, new = ran_with(before), ran_with(now)
    if old is None or new is None:
        return [version]
    return [
        version,
        *_each(definition_for(actor, old.definition), definition_for(actor, new.definition)),
    ]


def _each(before: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> list[Row]:
    """Return a row for each name whose value differs."""
    old, new = before or {}, now or {}
    return [
        Row(what=name.replace("_", " "), before=_text(old.get(name)), now=_text(new.get(name)))
        for name in dict.fromkeys([*old, *new])
        if old.get(name) != new.get(name)
    ]


def _duration(before: Execution, now: Execution) -> list[Row]:
    if before.duration is None or now.duration is None:
        return []
    was, took = before.duration.total_seconds(), now.duration.total_seconds()
    if max(was, took) < 1 or max(was, took) < _MUCH * min(was, took):
        return []
    return [Row(what=_("duration"), before=formats.duration(was), now=formats.duration(took))]


def _ending(before: Execution, now: Execution) -> list[Row]:
    was, is_now = _end(before), _end(now)
    return [Row(what=_("exit code"), before=was, now=is_now)] if was != is_now else []


def _end(execution: Execution) -> str:
    if execution.signal:
        return _("signal %d") % execution.signal
    return "—" if execution.exit_code is None else str(execution.exit_code)


def _worker(before: Execution, now: Execution) -> list[Row]:
    was, is_now = (one.worker.name if one.worker else "—" for one in (before, now))
    return [Row(what=_("worker"), before=was, now=is_now)] if was != is_now else []


def _text(value: Any) -> str:
    if value in (None, "", [], {}):
        return _("nothing")
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
