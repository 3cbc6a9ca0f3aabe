"""S4-99: the first run since somebody changed what a job runs is told, where that is asked for."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from jobs.domain.alerts import Rule
from jobs.domain.permissions import SYSTEM, Actor, Role
from jobs.models import Alert, AlertSignal, AuditEntry
from jobs.queries.alerts import rules
from jobs.queries.attention import OpenAlert
from jobs.services import alert_jobs, alerting, alerts, changed_runs, channels, turned_away
from jobs.services import jobs as job_services
from jobs.services.signals import CHANGED
from jobs.web.alert_steps import next_step
from jobs.web.alert_titles import title_of
from jobs.web.context import may_of
from tests.factories import make_execution, make_job

pytestmark = pytest.mark.django_db
EDITOR = Actor(name="edith", role=Role.EDITOR)


def asked_for(*, enabled: bool = True) -> None:
    alerts.set_rule("changed", actor=SYSTEM, enabled=enabled)


def edit(number: int, command: str, **fields: object) -> None:
    spec = {"command": command}
    job_services.update(number, {"spec": spec, **fields}, actor=EDITOR)


def look() -> None:
    given, now = alerting.rule_settings(), timezone.now()
    while changed_runs.serve(given, now):
        pass
    while alert_jobs.serve_signals(given, now):
        pass


def present() -> list[Alert]:
    return list(Alert.objects.filter(rule=Rule.CHANGED.value, resolved_at=None).order_by("pk"))


def test_s4_99_the_first_run_of_a_changed_script_is_an_alert_for_a_day() -> None:
    hook = {"name": "ops", "kind": "command", "settings": {"command": "true"}}
    channels.create(hook, actor=SYSTEM)
    asked_for()
    job, other = make_job(name="report"), make_job(name="other")
    old = make_execution(job, state="running", started_at=timezone.now())
    waiting = make_execution(job, state="queued", started_at=None)
    edit(job.pk, "./report.sh --all")
    job_services.update(other.pk, {"description": "Says who"}, actor=EDITOR)
    make_execution(other, state="running", started_at=timezone.now())

    # What was started or waited before the edit runs what was before it.
    waiting.started_at = timezone.now()
    waiting.save(update_fields=["started_at"])
    fresh = make_execution(job, state="queued", started_at=None, version=2)
    look()
    assert (present(), old.pk < waiting.pk < fresh.pk) == ([], True)

    fresh.started_at = timezone.now()
    fresh.save(update_fields=["started_at"])
    look()
    look()
    row = present()[0]
    assert (len(present()), row.severity, row.title, row.execution_id) == (
        1,
        "warning",
        "report runs for the first time since it was changed by edith",
        fresh.pk,
    )
    assert (row.evidence["changed_by"], row.evidence["version"]) == (["edith"], 2)
    assert row.deliveries.get().event == "opened"
    # The runs after it say nothing new; neither does a success end what somebody has to look at.
    make_execution(job, state="running", started_at=timezone.now(), version=2)
    job.last_success_at = timezone.now() + timedelta(seconds=1)
    job.save(update_fields=["last_success_at"])
    look()
    given = alerting.rule_settings()
    alert_jobs.recheck(given, timezone.now() + timedelta(hours=23))
    assert present() == [row]
    alert_jobs.recheck(given, timezone.now() + timedelta(hours=25))
    assert present() == []


@pytest.mark.long
def test_changes_that_are_found_together_are_one_alert() -> None:
    asked_for()
    many = [make_job(name=f"report-{number}") for number in range(30)]
    for job in many:
        edit(job.pk, "./other.sh")
        edit(job.pk, "./third.sh", environment={"A": "1"})
    for job in many[:20]:
        make_execution(job, state="succeeded", started_at=timezone.now(), version=3)
    job_services.delete(many[0].pk, actor=SYSTEM)
    look()

    [row] = present()
    assert row.title == "19 jobs run for the first time since they were changed by edith"
    assert row.members.count() == 19
    waiting = AlertSignal.objects.filter(kind=CHANGED, served_at=None)
    assert set(waiting.values_list("job_id", flat=True)) == {job.pk for job in many[20:]}
    changed_runs.forget(timezone.now() + timedelta(days=89))
    assert waiting.count() == 20
    changed_runs.forget(timezone.now() + timedelta(days=91))
    assert waiting.count() == 0


def test_the_rule_says_nothing_until_it_is_switched_on() -> None:
    job = make_job(name="report")

    def round_of(command: str) -> int:
        edit(job.pk, command)
        make_execution(job, state="succeeded", started_at=timezone.now())
        look()
        return len(present())

    standing = {one.name: one.enabled for one in rules()}
    assert [name for name, enabled in standing.items() if not enabled] == [Rule.CHANGED]
    assert (round_of("a"), AlertSignal.objects.count()) == (0, 0)
    # A severity that is set switches nothing on.
    alerts.set_rule("changed", actor=SYSTEM, severity="critical")
    assert round_of("b") == 0
    asked_for()
    assert (round_of("c"), present()[0].severity) == (1, "critical")
    asked_for(enabled=False)
    assert round_of("d") == 1
    alert_jobs.recheck(alerting.rule_settings(), timezone.now() + timedelta(minutes=1))
    assert present() == []


def test_what_was_refused_or_changed_is_said_in_the_reader_s_language_and_leads_to_the_audit(
    viewer_client: Client, admin_client: Client, admin: User
) -> None:
    asked_for()
    job = make_job(name="report")
    edit(job.pk, "./report.sh --all")
    make_execution(job, state="succeeded", started_at=timezone.now())
    look()
    given = alerting.rule_settings()
    for who in (("address", "203.0.113.9"), ("address", "others"), ("account", admin.username)):
        turned_away._tell(who, given, "203.0.113.9")

    rows = {row.key.rpartition(":")[0]: row for row in Alert.objects.all()}
    with translation.override("id"):
        titles = {key: title_of(row) for key, row in rows.items()}
    steps = {
        key: next_step(OpenAlert(row=row, members=list(row.members.all())), may_of(SYSTEM))
        for key, row in rows.items()
    }
    assert all(titles[key] != row.title for key, row in rows.items())
    assert titles["changed"].startswith("report ")
    assert titles["changed"].endswith("edith")
    assert "203.0.113.9" in titles["refused:address"]
    assert admin.username in titles["refused:account"]
    assert {urlsplit(step.url).path for step in steps.values()} == {reverse("audit")}
    assert parse_qs(urlsplit(steps["refused:account"].url).query) == {"actor": [admin.username]}

    # The step shows the change, to who may read the log.
    shown = admin_client.get(steps["changed"].url).content.decode()
    assert AuditEntry.objects.filter(action="job.update", object_name="report").count() == 1
    assert "./report.sh --all" in shown
    page = reverse("alert", args=[rows["changed"].pk])
    link = f'href="{steps["changed"].url.replace("&", "&amp;")}"'
    assert link in admin_client.get(page).content.decode()
    assert reverse("audit") not in viewer_client.get(page).content.decode()
