"""The test's hand inside a product: a process with the product's own settings that takes orders.

One JSON object a line: {"op": name, ...arguments}; answers {"ok": value} or {"error": text}.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import timedelta
from typing import Any


def main() -> None:
    """Set up Django, then obey until standard input ends."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scheduler_site.settings")
    import django

    django.setup()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # nothing else may write between the answers
    for line in sys.stdin:
        order: dict[str, Any] = json.loads(line)
        answer: dict[str, Any]
        try:
            answer = {"ok": OPERATIONS[order.pop("op")](**order)}
        except Exception as error:  # noqa: BLE001 - the test decides what an error means
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer, default=str) + "\n")
        answers.flush()


def limit_queue(name: str, **limits: int) -> None:
    """Let a queue run at most so many at a time, or start so many in a minute."""
    from jobs.domain.permissions import SYSTEM
    from jobs.services import queues

    queues.update(name, limits, actor=SYSTEM)


def create_channel(**fields: Any) -> int:
    """Make a channel and return its id."""
    from jobs.domain.permissions import SYSTEM
    from jobs.services import channels

    return channels.create(fields, actor=SYSTEM).pk


def age_messages(channel_id: int, seconds: float) -> int:
    """Let time pass for what a channel still has to take; return how much that is."""
    from datetime import timedelta

    from django.db.models import F

    from jobs.models import Delivery

    passed = timedelta(seconds=seconds)
    waiting = Delivery.objects.filter(channel=channel_id, next_try_at__isnull=False)
    return waiting.update(
        created_at=F("created_at") - passed, next_try_at=F("next_try_at") - passed
    )


def resume(job_id: int) -> None:
    """Resume a job."""
    from jobs.domain.permissions import SYSTEM
    from jobs.services import jobs

    jobs.resume(job_id, actor=SYSTEM)


def drain(worker: str, *, back: bool = False) -> None:
    """Drain a cluster, or let it take work again."""
    from jobs.domain.permissions import SYSTEM
    from jobs.models import Worker
    from jobs.services import queues

    number = Worker.objects.exclude(state="gone").get(name=worker).pk
    (queues.undrain if back else queues.drain)(number, actor=SYSTEM)


def migrate() -> None:
    """Make the tables."""
    from django.core.management import call_command

    call_command("migrate", verbosity=0, skip_checks=True)


def create_jobs(definitions: list[dict[str, Any]]) -> list[int]:
    """Create jobs and return their ids."""
    from jobs.domain.permissions import SYSTEM
    from jobs.services import jobs
    from jobs.services.definitions import parse_definition

    return [jobs.create(parse_definition(d), actor=SYSTEM).pk for d in definitions]


def create_variable(**fields: Any) -> int:
    """Create a variable and return its id."""
    from jobs.domain.permissions import SYSTEM
    from jobs.services import variables

    return variables.create(variables.parse_variable(fields), actor=SYSTEM).pk


def create_workspace(**fields: Any) -> str:
    """Create a workspace and return its name."""
    from jobs.domain.permissions import SYSTEM
    from jobs.services import workspaces

    return workspaces.create(workspaces.parse_workspace(fields), actor=SYSTEM).name


def update_workspace(name: str, **fields: Any) -> None:
    """Change a workspace."""
    from jobs.domain.permissions import SYSTEM
    from jobs.services import workspaces

    workspaces.update(name, workspaces.parse_changes(fields), actor=SYSTEM)


def deploy(name: str) -> int:
    """Start to deploy a workspace and return the execution's id."""
    from jobs.domain.permissions import SYSTEM
    from jobs.services import workspace_operations

    return workspace_operations.deploy(name, actor=SYSTEM).pk


def workspace_page(name: str) -> str:
    """Return the page of a workspace as an administrator reads it."""
    from django.contrib.auth.models import User
    from django.test import Client
    from django.urls import reverse

    reader = Client(headers={"host": "localhost"})
    reader.force_login(User.objects.filter(username="anna").first() or _administrator())
    return reader.get(reverse("workspace", args=[name])).content.decode()


def run_command(tool: str, words: list[str]) -> str:
    """Run a command of the product's command line as on the host; return what it printed."""
    from contextlib import redirect_stdout
    from importlib import import_module
    from io import StringIO

    out = StringIO()
    with redirect_stdout(out):
        code = import_module(f"jobs.cli.{tool}").run_command(words)
    if code:
        raise AssertionError(f"{tool} {' '.join(words)} ended with {code}")
    return out.getvalue()


def _administrator() -> Any:
    from jobs.domain.permissions import Role
    from tests.factories import make_user

    return make_user("anna", Role.ADMINISTRATOR)


def trigger(job_id: int) -> int:
    """Start a job and return the execution's id."""
    from jobs.domain.permissions import SYSTEM
    from jobs.services import triggers

    return triggers.trigger(job_id, actor=SYSTEM).pk


def pause(job_id: int) -> None:
    """Pause a job."""
    from jobs.domain.permissions import SYSTEM
    from jobs.services import jobs

    jobs.pause(job_id, actor=SYSTEM)


def cancel(execution_id: int) -> None:
    """Ask for an execution's end."""
    from jobs.domain.permissions import SYSTEM
    from jobs.services import cancelling

    cancelling.cancel(execution_id, actor=SYSTEM)


def sql(query: str, parameters: list[Any]) -> list[list[Any]]:
    """Return the rows of a query."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return [list(row) for row in cursor.fetchall()]


def wrong_hours() -> list[str]:
    """Return which hourly sums history contradicts, and how."""
    from jobs.services import recompute

    return [str(one) for one in recompute.run(repair=False).differences]


def wrong_figures() -> list[str]:
    """Return which success rates, failures in a row and scores of queues history contradicts."""
    from django.utils import timezone

    from tests.support import figures

    return [*figures.wrong_standings(), *figures.wrong_scores(timezone.now())]


def logs() -> list[tuple[int, str]]:
    """Return the pieces of every execution's output, in order."""
    from jobs.models import LogChunk

    pieces = LogChunk.objects.order_by("execution_id", "seq")
    return [(pk, bytes(data).decode()) for pk, data in pieces.values_list("execution_id", "data")]


def reconnect() -> None:
    """Forget a connection that a restart of the database has broken."""
    from django.db import connection

    connection.close()


def sign_in() -> str:
    """Make an administrator and return the key of a session of theirs."""
    from importlib import import_module

    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

    user = _administrator()
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "jobs.web.sign_in.PersonBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return str(session.session_key)


def token() -> str:
    """Make an operator and return a token of theirs."""
    from jobs.domain.permissions import Role
    from jobs.services import tokens
    from tests.factories import make_user

    return tokens.create(make_user("otto", Role.OPERATOR), "script")[1]


def furnish(job_id: int) -> dict[str, int]:
    """Make what else has a page of its own; return the number of each."""
    from django.utils import timezone

    from jobs.domain.permissions import SYSTEM
    from jobs.services import accounts, backfills, calendars, check_ins, freezes, own_rules
    from jobs.services.backfill_requests import parse_request
    from jobs.services.freeze_requests import parse_freeze

    now = timezone.now()
    channel = create_channel(name="on-call", kind="command", settings={"command": "true"})
    night = {"kind": "weekly", "days": ["sat", "sun"], "from": "00:00", "to": "24:00"}
    calendar = {"name": "weekends", "description": "Nobody is in", "windows": [night]}
    back = {"from": now - timedelta(hours=5), "only": "all", "schedule": "present"}
    maintenance = {
        "scope": "tag",
        "target": "mail",
        "reason": "The mail server moves to new disks",
        "starts_at": (now + timedelta(days=1)).isoformat(),
        "duration_seconds": "2h",
    }
    rule = {
        "name": "slow imports",
        "metric": "run_seconds",
        "threshold": 5,
        "count": 3,
        "tag": "shop",
    }
    report = {"name": "backup of the office", "expression": "0 3 * * *", "timezone": "Paris"}
    row, _key = check_ins.create(report, actor=SYSTEM)
    check_ins.create({"name": "till of the shop", "period_seconds": "10m"}, actor=SYSTEM)
    ada = accounts.parse_person(
        {"username": "grace", "email": "grace@example.org", "role": "operator"}
    )
    return {
        "channel": channel,
        "calendar": calendars.create(calendars.parse_calendar(calendar), actor=SYSTEM).pk,
        "check_in": row.pk,
        "freeze": freezes.freeze(parse_freeze(maintenance), actor=SYSTEM).pk,
        "rule": own_rules.save(None, rule, actor=SYSTEM).pk,
        "person": accounts.create(ada, actor=SYSTEM).pk,
        "backfill": backfills.create(job_id, parse_request(back), actor=SYSTEM).backfill.pk,
    }


OPERATIONS = {
    f.__name__: f
    for f in (
        limit_queue,
        create_channel,
        age_messages,
        furnish,
        resume,
        drain,
        migrate,
        create_jobs,
        create_variable,
        create_workspace,
        update_workspace,
        deploy,
        workspace_page,
        run_command,
        trigger,
        pause,
        cancel,
        sql,
        logs,
        wrong_hours,
        wrong_figures,
        reconnect,
        sign_in,
        token,
    )
}

if __name__ == "__main__":
    main()
