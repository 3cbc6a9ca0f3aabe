"""Every door of the product, found from the URL configuration, and who knocks at it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import get_resolver
from django.urls.resolvers import URLPattern, URLResolver
from django.utils import timezone

from jobs.domain.permissions import SYSTEM, Role
from jobs.models import Job
from jobs.services import access, canary, queues, tokens, workspaces
from jobs.services.journal import public_id
from tests.conftest import signed_in
from tests.factories import (
    cron,
    make_alert,
    make_artifact,
    make_backfill,
    make_breaker,
    make_calendar,
    make_channel,
    make_check_in,
    make_execution,
    make_freeze,
    make_job,
    make_rule,
    make_user,
    make_variable,
    make_worker,
)
from tests.support.repository import make_template

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


class Verdict(StrEnum):
    """How a door answers."""

    IN = "in"
    STRANGER = "stranger"  # who are you?
    FORBIDDEN = "forbidden"
    UNKNOWN = "unknown"  # there is nothing
    METHOD = "method"  # not in this way


_AWAY = ("Location", "HX-Redirect")
_VERDICTS = {
    401: Verdict.STRANGER,
    403: Verdict.FORBIDDEN,
    404: Verdict.UNKNOWN,
    405: Verdict.METHOD,
}


def is_program(route: str) -> bool:
    """Say whether programs come to that door: with a token, and JSON."""
    return route.startswith(("api/", "tumblebug/", "cron/", "metrics"))


@dataclass(frozen=True, slots=True)
class Knock:
    """Somebody at a door."""

    client: Client
    token: str = ""

    def at(self, method: str, path: str) -> Verdict:
        """Return how the door answers to an empty body, which nothing writing may take."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if method != "GET" and not self.token:
            headers["HX-Request"] = "true"  # the status itself, not the way back with a message
        program = is_program(path.lstrip("/"))
        kind = "application/json" if program else "application/x-www-form-urlencoded"
        with undone():
            response = self.client.generic(
                method, path, "{}" if program else "", kind, headers=headers
            )
            read(response)  # type: ignore[arg-type]  # the test client adds attributes
        if any("/login/" in response.headers.get(name, "") for name in _AWAY):
            return Verdict.STRANGER
        return _VERDICTS.get(response.status_code, Verdict.IN)


def read(response: HttpResponse) -> bytes:
    """Read an answer; a stream to its end, which closes it: the client has closed all others."""
    if getattr(response, "streaming", False):
        return b"".join(response.streaming_content)  # type: ignore[attr-defined]
    return response.content


class World:
    """A job with the tag that a person may edit, one without it, and everybody who knocks."""

    def __init__(self) -> None:
        """Make everything once."""
        self.mine, self.theirs = _things("mine"), _things("theirs")
        queues.pause("doors", actor=SYSTEM)
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

    def knock(self, who: str, method: str, route: str, *, own: bool = True) -> Verdict:
        """Return how a door answers somebody, his own job's door or another's."""
        knocks = self.programs if is_program(route) else self.pages
        return knocks[who].at(method, self.path(route, own=own))

    def path(self, route: str, *, own: bool) -> str:
        """Return the address with what exists put in."""
        things = self.mine if own else self.theirs
        if "queues/" in route:
            things = {**things, "name": "doors"}
        if "welcome/" in route or "examples/" in route:
            things = {**things, "name": "disk-space"}
        if "rules/" in route:
            things = {**things, "name": "disk"}
        if "scheduled-jobs/" in route:
            things = {**things, "job_id": things["job_name"]}
        if "registerCspResources/" in route:
            things = {**things, "job_id": things["registering"]}
        parts = route.split("<")
        filled = [parts[0]]
        for part in parts[1:]:
            name, _, rest = part.partition(">")
            name = name.rpartition(":")[2]
            # A number made up would be somebody's on one database, and nobody's on the other.
            filled += [str(things[name] if name.endswith("_id") else things.get(name, "1")), rest]
        return "/" + "".join(filled)


def _things(tag: str) -> dict[str, Any]:
    job: Job = make_job(
        name=tag, tags=[tag], schedules=[cron("0 * * * *")], overlap="allow", max_parallel=50
    )
    execution = make_execution(job, finished_at=timezone.now(), state="succeeded")
    person = make_user(f"of-{tag}")
    registering = make_job(
        name=f"register-{tag}",
        type="registerCspResources",
        spec={"ns_id": tag},
    )
    return {
        "job_id": job.pk,
        "job_name": tag,
        "registering": public_id(registering),
        "execution_id": execution.pk,
        "artifact_id": make_artifact(execution).pk,
        "backfill_id": make_backfill(job).pk,
        "variable_id": make_variable(name=f"of_{tag}", job_id=job.pk).pk,
        "calendar_id": make_calendar().pk,
        "alert_id": make_alert().pk,
        "channel_id": make_channel(name=f"channel-{tag}").pk,
        "rule_id": make_rule(name=f"rule-{tag}").pk,
        "check_in_id": make_check_in(name=f"check-in-{tag}").pk,
        "template": make_template(f"template-{tag}").name,
        "breaker_id": make_breaker(f"breaker-{tag}").pk,
        "freeze_id": make_freeze(scope="tag", target=tag).pk,
        "worker_id": make_worker(name=f"cluster-{tag}").pk,
        "user_id": person.pk,
        "run_id": canary.start(actor=SYSTEM).pk,
        "access_id": access.grant(person, Role.VIEWER, tag=tag, actor=SYSTEM).pk,
        "token_id": tokens.create(person, "test")[0].pk,
        "filter_id": 1,  # everybody's own: there may be none
        "name": workspaces.create(
            workspaces.parse_workspace({"name": tag, "operations": {"template": "shop"}}),
            actor=SYSTEM,
        ).name,
        "queue": "default",
    }
