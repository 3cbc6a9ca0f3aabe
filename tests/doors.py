"""Every door of the product, found from the URL configuration, and who knocks at it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import get_resolver
from django.urls.resolvers import URLPattern, URLResolver
from django.utils import timezone

from jobs.domain.permissions import SYSTEM, Role
from jobs.models import Job
from jobs.services import access, tokens, workspaces
from tests.conftest import signed_in
from tests.factories import (
    cron,
    make_artifact,
    make_backfill,
    make_execution,
    make_job,
    make_user,
    make_variable,
)

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# Django's own pages have rights of their own, and these three are no doors: a login, its end, a pulse.
_APART = ("admin/",)


def routes() -> list[str]:
    """Return every address of the URL configuration, as it is written there."""
    found = {route for route in _walk(get_resolver().url_patterns, "") if "^" not in route}
    return sorted(route for route in found if not route.startswith(_APART))


def _walk(patterns: list[Any], before: str) -> Iterator[str]:
    for one in patterns:
        path = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from _walk(one.url_patterns, path)
        elif isinstance(one, URLPattern):
            yield path


@contextmanager
def undone() -> Iterator[None]:
    """Take back what the block has written, so that every knock finds the same."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@dataclass(frozen=True, slots=True)
class Knock:
    """Somebody at a door."""

    client: Client
    token: str = ""

    def at(self, method: str, path: str) -> int:
        """Return the status of the answer."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if method != "GET" and not self.token:
            headers["HX-Request"] = "true"  # the status itself, not the way back with a message
        kind = (
            "application/json" if path.startswith("/api/") else "application/x-www-form-urlencoded"
        )
        with undone():
            response = self.client.generic(
                method, path, json.dumps({}) if "json" in kind else "", kind, headers=headers
            )
            _read(response)  # type: ignore[arg-type]  # the test client adds attributes
        return response.status_code


def _read(response: HttpResponse) -> None:
    """Read a stream to its end, which closes it; the client has closed everything else."""
    if getattr(response, "streaming", False):
        b"".join(response.streaming_content)  # type: ignore[attr-defined]


class World:
    """A job with the tag that a person may edit, one without it, and everybody who knocks."""

    def __init__(self) -> None:
        """Make everything once."""
        self.mine, self.theirs = _things("mine"), _things("theirs")
        self.pages: dict[str, Knock] = {"anonymous": Knock(Client())}
        self.programs: dict[str, Knock] = {"anonymous": Knock(Client())}
        for role in Role:
            user = make_user(f"door-{role}", role)
            self.pages[role] = Knock(signed_in(user))
            self.programs[role] = Knock(Client(), tokens.create(user, "test")[1])
        boss = make_user("boss", Role.ADMINISTRATOR)
        row, value = tokens.create(boss, "revoked")
        tokens.revoke(row, actor=SYSTEM)
        self.programs["revoked"] = self.pages["revoked"] = Knock(Client(), value)
        room = workspaces.create(workspaces.parse_workspace({"name": "foreign"}), actor=SYSTEM)
        limits = access.limits_of([room.name])
        _, value = tokens.create(boss, "foreign", limits=limits)
        self.programs["foreign"] = self.pages["foreign"] = Knock(Client(), value)
        tagged = make_user("tagged")
        access.grant(tagged, Role.EDITOR, tag="mine", actor=SYSTEM)
        self.pages["tagged"] = Knock(signed_in(tagged))
        self.programs["tagged"] = Knock(Client(), tokens.create(tagged, "test")[1])

    def knock(self, who: str, method: str, route: str, *, own: bool) -> int:
        """Return the status that somebody gets, at his own job's door or another's."""
        program = route.startswith(("api/", "tumblebug/", "cron/"))
        path = self.path(route, own=own)
        return (self.programs if program else self.pages)[who].at(method, path)

    def path(self, route: str, *, own: bool) -> str:
        """Return the address with what exists put in."""
        things = self.mine if own else self.theirs
        parts = route.split("<")
        filled = [parts[0]]
        for part in parts[1:]:
            name, _, rest = part.partition(">")
            filled += [str(things.get(name.rpartition(":")[2], "1")), rest]
        return "/" + "".join(filled)


def _things(tag: str) -> dict[str, Any]:
    job: Job = make_job(
        name=tag, tags=[tag], schedules=[cron("0 * * * *")], overlap="allow", max_parallel=50
    )
    execution = make_execution(job, finished_at=timezone.now(), state="succeeded")
    return {
        "job_id": job.pk,
        "execution_id": execution.pk,
        "artifact_id": make_artifact(execution).pk,
        "backfill_id": make_backfill(job).pk,
        "variable_id": make_variable(name=f"of_{tag}", job_id=job.pk).pk,
    }
