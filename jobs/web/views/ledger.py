"""A job's ledger: every due time of a period, what became of it, and the proof that none is missing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from jobs.domain.errors import InvalidError
from jobs.domain.schedule import Schedule
from jobs.domain.states import OmissionReason, ScheduleKind
from jobs.models import Execution, Job, Omission
from jobs.queries.backfills import made_up_in
from jobs.queries.jobs import get_job
from jobs.queries.ledger import OpenStretch
from jobs.queries.ledger_page import (
    BY_HAND,
    DISPATCHED,
    OMITTED,
    VERDICTS,
    Key,
    LedgerFilter,
    ledger_page,
)
from jobs.queries.missed import REASONS
from jobs.services.eras import due_in
from jobs.services.firing import rules_of
from jobs.services.proof import Proof, estimate, prove_ledger
from jobs.web import formats, guard, periods, words
from jobs.web.http import AuthedRequest
from jobs.web.periods import Period, period_of, stamp

# Proved while the page is made, in some tens of milliseconds; longer periods prove themselves after.
_AT_ONCE = 20_000
_EACH = 100  # due times of a stretch that are listed at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One entry of the page; which of the two it is says what can be read of it."""

    execution: Execution | None = None
    stretch: Omission | OpenStretch | None = None
    detail: str = ""
    each: dict[str, object] = field(default_factory=dict)
    made_up: int = 0  # due times of the stretch that a backfill has run since
    backfill: int | None = None  # the newest of those

    @property
    def can_run(self) -> bool:
        """Say whether what the stretch left out can be run with one button."""
        return (
            isinstance(self.stretch, Omission)
            and self.stretch.reason in REASONS
            and self.made_up < self.stretch.count
        )

    @property
    def at(self) -> datetime:
        """Return the due time at which the entry stands."""
        if self.execution is not None:
            return self.execution.due_at
        assert self.stretch is not None  # noqa: S101 - a row has one of the two
        return self.stretch.first_due_at

    @property
    def stamp(self) -> str:
        """Return the due time for a link."""
        return stamp(self.at)

    @property
    def last_stamp(self) -> str:
        """Return the stretch's last due time for a link."""
        return stamp(self.stretch.last_due_at) if self.stretch else self.stamp

    @property
    def name(self) -> str:
        """Return what tells the stretch from the others of the job."""
        return str(self.stretch.pk) if isinstance(self.stretch, Omission) else "open"


@guard.page()
def ledger_page_view(request: AuthedRequest, job_id: int) -> HttpResponse:
    """Show the page with its filters; ``check`` proves a long period while one waits."""
    now = timezone.now()
    job = get_job(job_id)
    period = period_of(request, now)
    chosen = _chosen(request, period)
    rules = rules_of(job.schedules.all())
    context = {
        "section": "jobs",
        "tab": "ledger",
        "job": job,
        "now": now,
        "period": period,
        "fields": {"from": periods.field(period.start), "to": periods.field(period.end)},
        "zone": _zone(rules),
        "query": urlencode(_query(period, chosen)),
        "presets": _presets(chosen),
        "verdicts": _verdicts(),
        "chosen": chosen,
        "span": _span(job, period),
        **_rows(request, job, chosen, period),
        **_proof(job, period, now, wait="check" not in request.GET),
    }
    return render(request, "pages/ledger.html", context)


@guard.page()
def proof_region(request: AuthedRequest, job_id: int) -> HttpResponse:
    """Answer the proof of a long period."""
    now = timezone.now()
    job = get_job(job_id)
    period = period_of(request, now)
    context = {"job": job, "span": _span(job, period), **_proof(job, period, now, wait=False)}
    return render(request, "partials/ledger_proof.html", context)


@guard.page()
def each_region(request: AuthedRequest, job_id: int) -> HttpResponse:
    """Answer "Show each": the due times of one stretch, some at a time."""
    job = get_job(job_id)
    first = periods.moment_of(request.GET.get("first", ""))
    last = periods.moment_of(request.GET.get("last", ""))
    each = _each(job, first, last) if first and last and first <= last else {}
    return render(request, "partials/ledger_each.html", {"job": job, "each": each, **_zones(job)})


def _chosen(request: HttpRequest, period: Period) -> LedgerFilter:
    verdict = request.GET.get("verdict", "")
    return LedgerFilter(
        start=period.start,
        end=period.end,
        verdict=verdict if verdict in VERDICTS else "",
        before=_key(request.GET.get("before", "")),
    )


def _key(text: str) -> Key | None:
    """Return the place that ``2026-03-01T10:00:00Z~1~17`` names."""
    at, _sep, rest = text.partition("~")
    kind, _sep, pk = rest.partition("~")
    moment = periods.moment_of(at)
    if moment is None or not (kind.isascii() and kind.isdigit() and pk.isascii() and pk.isdigit()):
        return None
    return Key(moment, int(kind[:1]), int(pk[:18]))


def _query(period: Period, chosen: LedgerFilter) -> dict[str, str]:
    kept = {"verdict": chosen.verdict} if chosen.verdict else {}
    return {**period.query, **kept}


def _presets(chosen: LedgerFilter) -> list[tuple[str, str, str]]:
    names = {"today": _("Today"), "24h": _("24 h"), "7d": _("7 d"), "30d": _("30 d")}
    kept = {"verdict": chosen.verdict} if chosen.verdict else {}
    return [(name, text, urlencode({"period": name, **kept})) for name, text in names.items()]


def _verdicts() -> list[tuple[str, list[tuple[str, words.Text]]]]:
    """Return the choices of the filter, in groups."""
    return [
        ("", [("", _("Every verdict"))]),
        (
            _("Dispatched"),
            [(DISPATCHED, _("All dispatched")), *words.RESULT.items()],
        ),
        (
            _("Not run"),
            [
                (OMITTED, _("All not run")),
                *((reason.value, words.REASON[reason]) for reason in OmissionReason),
            ],
        ),
        (_("No due time"), [(BY_HAND, _("Started by hand or backfill"))]),
    ]


def _span(job: Job, period: Period) -> dict[str, object]:
    """Return where the period is exported and proved."""
    moments = {"from": stamp(period.start), "to": stamp(period.end)}
    export = f"/api/v1/ledger?{urlencode({'job_id': job.pk, **moments})}"
    return {
        "csv": f"{export}&format=csv",
        "jsonl": f"{export}&format=jsonl",
        "proof": f"{reverse('p_ledger_proof', args=[job.pk])}?{urlencode(moments)}",
        "check": f"?{urlencode({**period.query, 'check': 1})}",
    }


def _rows(
    request: HttpRequest, job: Job, chosen: LedgerFilter, period: Period
) -> dict[str, object]:
    page = ledger_page(job, chosen, rules_of=rules_of)
    older = page.older
    query = _query(period, chosen)
    wanted = request.GET.get("each", "")
    return {
        "rows": _made_up(job, [_row(job, entry, wanted) for entry in page.entries]),
        # The next page is of the same period, though "the last 24 hours" end later by then.
        "older": urlencode({**query, **_fixed(period), "before": _place(older)}) if older else None,
        "newest": urlencode(query) if chosen.before else None,
    }


def _fixed(period: Period) -> dict[str, str]:
    return {"from": stamp(period.start), "to": stamp(period.end)}


def _place(key: Key) -> str:
    return f"{stamp(key.at)}~{key.kind}~{key.pk}"


def _row(job: Job, entry: Execution | Omission | OpenStretch, wanted: str) -> Row:
    if isinstance(entry, Execution):
        return Row(execution=entry)
    detail = entry.detail if isinstance(entry, Omission) else job.state_reason
    row = Row(stretch=entry, detail=detail)
    if wanted != row.name or entry.count == 1:
        return row
    each = _each(job, entry.first_due_at, entry.last_due_at)
    return Row(stretch=entry, detail=detail, each=each)


def _made_up(job: Job, rows: list[Row]) -> list[Row]:
    """Add what backfills have run of the stretches since."""
    stretches = [row.stretch for row in rows if row.stretch is not None]
    ends = [(one.first_due_at, one.last_due_at) for one in stretches]
    known = iter(made_up_in(job, ends))
    return [row if row.stretch is None else _served(row, *next(known)) for row in rows]


def _served(row: Row, made_up: int, backfill: int | None) -> Row:
    return replace(row, made_up=made_up, backfill=backfill)


def _each(job: Job, first: datetime, last: datetime) -> dict[str, object]:
    found = due_in(job, first, last, _EACH + 1)
    rest = found[_EACH] if len(found) > _EACH else None
    moments = [(at, stamp(at)) for at in found[:_EACH]]
    if rest is None:
        return {"moments": moments}
    page = {"from": stamp(rest), "to": stamp(last)}
    return {
        "moments": moments,
        "more": urlencode({"first": stamp(rest), "last": stamp(last)}),
        "page": f"{reverse('ledger', args=[job.pk])}?{urlencode(page)}",
    }


def _zone(rules: list[Schedule]) -> str:
    """Return the zone of the job's clock; empty when it does not go by one."""
    by_clock = (ScheduleKind.CRON, ScheduleKind.ONCE)
    return next((rule.timezone for rule in rules if rule.kind in by_clock), "")


def _zones(job: Job) -> dict[str, object]:
    return {"zone": _zone(rules_of(job.schedules.all()))}


def _proof(job: Job, period: Period, now: datetime, *, wait: bool) -> dict[str, object]:
    """Return the proof, or about how many due times it takes when that is to come later."""
    about = estimate(job, period.start, period.end, now=now)
    if wait and about > _AT_ONCE:
        return {"about": about}
    try:
        proof = prove_ledger(job.pk, period.start, period.end, now=now)
    except InvalidError as error:
        return {"refusal": error.message}
    return {"proof": proof, "line": _line(proof), "faults": _faults(proof)}


def _line(proof: Proof) -> str:
    """Return the proof in one line, in the reader's language."""
    account = proof.account
    parts = [
        _("%s due") % formats.count(account.due),
        _("%s dispatched") % formats.count(account.dispatched),
    ]
    for reason, number in account.omitted.most_common():
        text = _("%(n)s not run: %(reason)s")
        reason_words = str(words.REASON[reason])
        parts.append(
            text
            % {"n": formats.count(number), "reason": reason_words[:1].lower() + reason_words[1:]}
        )
    parts.append(_("%s unexplained") % formats.count(account.unexplained))
    return ", ".join(parts)


def _faults(proof: Proof) -> list[tuple[str, int, list[tuple[datetime, str]]]]:
    """Return what does not balance: in words, how often, and the first moments."""
    account = proof.account
    found = [
        (
            _("Due, but neither dispatched nor left out"),
            account.unexplained,
            account.unexplained_at,
        ),
        (_("More than one verdict"), account.doubled, account.doubled_at),
        (_("A verdict, but named by no schedule"), account.unexpected, account.unexpected_at),
        (
            _("A stretch whose count is not that of its due times"),
            account.miscounted,
            account.miscounted_at,
        ),
    ]
    return [
        (text, number, [(at.astimezone(UTC), stamp(at)) for at in moments[:20]])
        for text, number, moments in found
        if number
    ]
