"""A day of the six scenarios of CB-Tumblebug's guide: real calls to a stub that fails in all its ways.

Jobs are made, paused, enabled and deleted by the guide's interface. The clock jumps; the calls are
made when their runs start, and their results are taken when they end.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from django.conf import settings as django_settings
from django.utils import timezone

from jobs.api.compat.tumblebug_documents import document
from jobs.domain.alerts import Rule
from jobs.domain.states import ExecutionState
from jobs.domain.tumblebug import TumblebugServer
from jobs.executors import http_supervision, tumblebug_call
from jobs.models import AlertJob, Execution, Job
from jobs.queries import registering
from jobs.services import alert_jobs, alerting, claims, executions
from jobs.services.running import Running, load
from tests.compat.test_s0_jobs import Script
from tests.executors.worker import Run, make_context, run
from tests.simulation.cloud_oracle import Fate, Life
from tests.simulation.world import World
from tests.tumblebug_stub import PASSWORD, USER, Stub, tumblebug

START = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
# The credentials are wrong for a while: whoever runs often is disabled meanwhile.
OUTAGE = START + 10 * HOUR, START + 14.5 * HOUR
SCENARIOS = Path(__file__).resolve().parents[1] / "compat/seed0/scenarios.txt"
HALF_HOUR = timedelta(minutes=30)  # the time limit of the guide
SUCCESSES = {"good": 60, "dropped": 8, "partly": 6}
# Each with how often it happens, and how its error begins.
FAILURES = {
    "silent": (4, "execution timeout exceeded (30 minutes)"),
    "forgotten": (4, "The connection to CB-Tumblebug ended: it was closed without an answer; and"),
    "refused": (4, "CB-Tumblebug refused the credentials (401 Unauthorized)"),
    "limited": (5, "CB-Tumblebug answered 429 Too Many Requests. Raise the interval to at least"),
    "throttled": (5, "CSP API error: RequestLimitExceeded. Raise the interval to at least"),
    "denied": (4, "CSP API error: UnauthorizedOperation. Verify"),
}
ANSWERS = {
    "refused": (401, "Unauthorized"),
    "limited": (429, ""),
    "throttled": (500, "RequestLimitExceeded"),
    "denied": (500, "UnauthorizedOperation"),
}


def fate_of(seed: int, name: str, number: int, start: datetime) -> Fate:
    """Return what happens to a run: the same for the product and for the oracle."""
    chance = random.Random(f"{seed} {name} {number}")
    weights = {**SUCCESSES, **{kind: weight for kind, (weight, _) in FAILURES.items()}}
    kind = chance.choices(list(weights), list(weights.values()))[0]
    lasts = timedelta(seconds=chance.randrange(3, 240))
    if OUTAGE[0] <= start < OUTAGE[1]:
        kind = "refused"
    if kind == "silent":
        lasts = HALF_HOUR
    return Fate(kind, lasts, kind in SUCCESSES)


@dataclass
class CloudWorld(World):
    """A world whose runs call the stub."""

    seed: int = 0
    directory: Path = Path()
    stub: Stub = field(default_factory=Stub)
    seen: Counter[str] = field(default_factory=Counter)
    severities: set[str | None] = field(default_factory=set)
    _calls: Counter[str] = field(default_factory=Counter)

    def _work(self) -> None:
        for claim in claims.claim(worker_id=self._worker_id, queues=["default"], free=1000):
            running = executions.start(claim.execution_id, claim.token, pid=1)
            assert running is not None
            fate = fate_of(
                self.seed, running.job_name, self._calls[running.job_name], running.started_at
            )
            self._calls[running.job_name] += 1
            self.seen[fate.kind] += 1
            made = self._made(running, fate.kind)
            end = partial(self._take, running, made, fate)
            self.plan(running.started_at + fate.lasts, end)
        asked = Execution.objects.filter(
            state=ExecutionState.RUNNING.value, cancel_requested_at__isnull=False
        )
        for execution in asked:
            self._finish(load(execution.pk), ExecutionState.CANCELLED)

    def _made(self, running: Running, kind: str) -> Run:
        """Make the call; the time limit is reached when the server is silent."""
        stub, before = self.stub, timezone.now()
        stub.fail = ANSWERS.get(kind)
        stub.drop, stub.forget = int(kind in {"dropped", "forgotten"}), kind == "forgotten"
        stub.stall, stub.partly = kind == "silent", 2 * (kind == "partly")
        stub.stalled = partial(self.clock.move_to, before + HALF_HOUR)
        context = make_context(
            self.directory,
            "test-day",
            execution_id=running.execution_id,
            timeout=timedelta(seconds=running.timeout_seconds or 0),
        )
        made = run(context, running.type, running.spec)
        self.clock.move_to(before)
        return made

    def _take(self, running: Running, made: Run, fate: Fate) -> None:
        ended = Execution.objects.get(pk=running.execution_id).state != "running"
        if ended:  # its job was deleted
            return
        executions.finish(
            running, replace(made.result, started_at=running.started_at, finished_at=timezone.now())
        )
        assert (made.result.state is ExecutionState.SUCCEEDED) is fate.succeeds, made.outcome
        if not fate.succeeds:
            assert made.result.message.startswith(FAILURES[fate.kind][1]), made.outcome


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[time_machine.Traveller]:
    """Return the clock; the database's and the time limit's go with it, and nothing waits long."""
    for module in (claims, executions):
        monkeypatch.setattr(module, "db_now", timezone.now)
    virtual = SimpleNamespace(monotonic=lambda: timezone.now().timestamp())
    monkeypatch.setattr(http_supervision, "time", virtual)
    monkeypatch.setattr(http_supervision, "MAX_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(tumblebug_call, "FIRST_LOOK_SECONDS", 0.001)
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


@pytest.mark.long
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("seed", "days"),
    [(1, 1), *(pytest.param(seed, 3, marks=pytest.mark.soak) for seed in range(2, 8))],
)
def test_must_show_4_a_day_of_the_six_scenarios_comes_out_as_the_guide_says(
    clock: time_machine.Traveller, settings: Any, tmp_path: Path, seed: int, days: int
) -> None:
    """S0-79 to S0-87, S0-111 to S0-119, S0-131 to S0-135: equal to an oracle at every end."""
    end = START + days * 24 * HOUR
    script = Script()
    with tumblebug() as stub:
        server = TumblebugServer(url=stub.url, user=USER, password=PASSWORD)
        settings.JOBDECK = {**django_settings.JOBDECK, "TUMBLEBUG": server}
        world = CloudWorld(
            clock, random.Random(seed), {}, {}, seed=seed, directory=tmp_path, stub=stub
        )
        lives = [scenario(world, script, body, end) for body in bodies()]
        world.plan(START, lambda: None)  # the first runs start at once
        world.live_until(end)

    assert stub.against_the_contract() == []
    # Nothing that can go wrong was left out, and the day had all that the guide tells of.
    assert set(world.seen) == {*SUCCESSES, *FAILURES}
    assert world.crashes
    assert any(life.left_out for _, life in lives)
    for job_id, life in lives:
        check(job_id, life)
    assert world.severities == {None, "warning", "critical"}


def bodies() -> list[dict[str, Any]]:
    """Return what the guide's command lines create."""
    found = re.findall(r"-d '(\{.*?\})'", SCENARIOS.read_text(), re.DOTALL)
    assert len(found) == 7
    return [json.loads(body) for body in found]


# What people do, by the prefix of the job: the guide's scenarios 4 and 6, and its recovery.
DONE = {
    "aws-kr-prod": [(5.17, "pause"), (5.18, "pause"), (8.67, "resume")],
    "dev-test": [(2.005, "delete")],
    "network-scan": [(12.1, "enable")],
}
FOR_ALL = [(15.003, "resume")]


def scenario(
    world: CloudWorld, script: Script, body: dict[str, Any], end: datetime
) -> tuple[int, Life]:
    """Create a job, plan what people do to it, and compare it with its oracle all day long."""
    made = script.make(**body)
    name = body["mciNamePrefix"]
    job = Job.objects.get(external_id=made["jobId"])
    assert job.name == name
    actions = [(START + hours * HOUR, what) for hours, what in [*DONE.get(name, ()), *FOR_ALL]]
    for at, what in actions:
        world.plan(at, partial(act, script, made["jobId"], what))
    life = Life(timedelta(seconds=body["intervalSeconds"]), partial(fate_of, world.seed, name))
    days = life.live(START, actions, end)

    def compare() -> None:
        """Go on to the oracle's next change, whose consequences must be there 5 s later."""
        look()
        if life.deleted_at is None:
            expected, told = life.counters(), document(registering.one(made["jobId"]))
            assert {key: told[key] for key in expected} == expected, (name, timezone.now())
        else:
            assert script("GET", f"/{made['jobId']}")[0] == 404
        severity = severity_of(job.pk)
        assert severity == life.severity(), (name, timezone.now(), life.counters())
        world.severities.add(severity)
        plan_next()

    def plan_next() -> None:
        moment = next(days, None)
        if moment is not None:
            world.plan(moment + 2 * SECOND, compare)

    plan_next()
    return job.pk, life


def act(script: Script, job_id: str, what: str) -> None:
    """Do what a person does, by the interface."""
    if what == "delete":
        assert script("DELETE", f"/{job_id}")[0] == 200
    elif what == "enable":
        assert script("PUT", f"/{job_id}", {"enabled": True})[0] == 200
    else:
        script("PUT", f"/{job_id}/{what}")


def look() -> None:
    """Serve what endings said, and look at the members of alerts again."""
    given, now = alerting.rule_settings(), timezone.now()
    AlertJob.objects.update(checked_at=now - MINUTE)  # each look is to see all of them
    while alert_jobs.serve_signals(given, now):
        pass
    alert_jobs.recheck(given, now)


def severity_of(job_id: int) -> str | None:
    """Return the worst open alert that a job is in by its failures."""
    rows = AlertJob.objects.filter(
        job=job_id, left_at__isnull=True, alert__resolved_at__isnull=True, alert__rule=Rule.FAILURES
    )
    found = set(rows.values_list("severity", flat=True))
    return next((word for word in ("critical", "warning") if word in found), None)


def check(job_id: int, life: Life) -> None:
    """Compare the history and the ledger of a job."""
    job = Job.objects.get(pk=job_id)
    ran = job.executions.order_by("started_at")
    assert list(ran.values_list("started_at", flat=True)) == life.starts, job.name
    ended = ran.exclude(finished_at=None).exclude(state="cancelled")
    found = [(one.finished_at, one.state == "succeeded") for one in ended]
    assert found == life.ends, job.name
    omitted = job.omissions.order_by("first_due_at").values_list("first_due_at", "reason", "count")
    assert list(omitted) == [(at, reason, 1) for at, reason in life.left_out], job.name
    assert (job.deleted_at is None) is (life.deleted_at is None)
