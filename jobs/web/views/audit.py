"""The audit log: who did what, when, from where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from jobs.domain.permissions import Permission
from jobs.domain.preferences import FilterPage
from jobs.models import AuditEntry
from jobs.queries.people import AuditFilter, list_audit
from jobs.web import guard
from jobs.web.differences import stored_text
from jobs.web.filters import page_mark, tidied
from jobs.web.http import AuthedRequest
from jobs.web.kept import kept_filters
from jobs.web.periods import field, moment_of, stamp

PAGE_SIZE = 50
GROUPS = (
    "job", "execution", "backfill", "session", "access", "user", "token", "variable", "calendar",
    "freeze", "breaker", "queue", "worker", "workspace",
)  # fmt: skip
# Where an object has a page.
_PAGES = {
    "job": "job",
    "execution": "execution",
    "backfill": "backfill",
    "user": "person",
    "calendar": "calendar",
    "breaker": "breaker",
}
_TEXTS = ("actor", "action", "object")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One field before and after."""

    field: str
    before: str
    after: str


@guard.page(Permission.AUDIT)
def audit_list(request: AuthedRequest) -> HttpResponse:
    """Show the entries, newest first, filtered by actor, action, object and period."""
    query, wrong = _query(request)
    if not wrong and (elsewhere := tidied(request, urlencode(query))):
        return elsewhere
    after = page_mark(request, "before")
    page = list_audit(_filter(query, after), limit=PAGE_SIZE)
    context = {
        "section": "audit",
        "query": query,
        "wrong": wrong,
        "fields": {name: _local(query.get(name, "")) for name in ("from", "to")},
        "groups": GROUPS,
        "rows": [_row(entry) for entry in page.rows],
        "older": urlencode({**query, "before": page.next_after}) if page.next_after else None,
        "newest": urlencode(query) if after else None,
        "csv": _export(query, "csv"),
        "jsonl": _export(query, "jsonl"),
        **kept_filters(request, FilterPage.AUDIT, urlencode(query)),
    }
    return render(request, "pages/audit.html", context)


def _query(request: AuthedRequest) -> tuple[dict[str, str], str]:
    """Return the filters that say something, and a sentence about a moment that is none."""
    given = request.GET
    found = {name: given.get(name, "").replace("\0", "").strip()[:200] for name in _TEXTS}
    wrong = ""
    for name in ("from", "to"):
        text = given.get(name, "").strip()
        moment = moment_of(text, given.get("zone", "")) if text else None
        if text and moment is None:
            wrong = _("%s is no moment. Use a date and a time.") % repr(text[:40])
        found[name] = stamp(moment) if moment else ""
    return {name: value for name, value in found.items() if value}, wrong


def _filter(query: dict[str, str], after: int | None) -> AuditFilter:
    return AuditFilter(
        actor=query.get("actor", ""),
        action=query.get("action", ""),
        object_name=query.get("object", ""),
        since=moment_of(query.get("from", "")),
        until=moment_of(query.get("to", "")),
        after=after,
    )


def _local(text: str) -> str:
    moment = moment_of(text)
    return field(moment) if moment else ""


def _export(query: dict[str, str], kind: str) -> str:
    names = {"actor": "actor", "action": "action", "object": "object_name"}
    names |= {"from": "since", "to": "until"}
    asked = {names[name]: value for name, value in query.items()}
    return f"{reverse('api-v1:export')}?{urlencode({**asked, 'format': kind})}"


def _row(entry: AuditEntry) -> dict[str, Any]:
    page = _PAGES.get(entry.object_type)
    known = page is not None and entry.object_id is not None
    before, after = entry.before or {}, entry.after or {}
    return {
        "entry": entry,
        "url": reverse(page, args=[entry.object_id]) if known else "",
        "changes": [
            Change(field=name, before=_text(before.get(name)), after=_text(after.get(name)))
            for name in dict.fromkeys([*before, *after])
        ],
    }


def _text(value: object) -> str:
    return "" if value is None else stored_text(value)
