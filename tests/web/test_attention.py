"""What needs attention: the list, its numbers, the tab's mark and the frame always say the same."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.domain.alerts import Condition, Kind, Rule, Severity
from jobs.domain.permissions import SYSTEM
from jobs.models import Alert, AlertJob, Job
from jobs.services import alerting, alerts
from jobs.web.views.overview import SPELT_OUT
from tests.factories import make_execution, make_job, make_worker


def opened(rule: Rule, subject: str, severity: Severity, **fields: Any) -> Alert:
    condition = Condition(
        key=f"{rule}:{subject}", rule=rule, severity=severity, title=f"T-{rule}-{subject}", **fields
    )
    row = alerting.open_alert(condition, severity=severity, now=timezone.now())
    assert row is not None
    return row


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def panel_of(client: Client) -> str:
    html = client.get(reverse("overview")).content.decode()
    return html.split('id="attention"')[1].split("</section>")[0]


def test_every_alert_that_has_not_ended_is_listed_and_counted_once(
    operator_client: Client,
) -> None:
    """The defect: "Nothing needs attention" beside "1 open alert"."""
    make_worker()
    job = make_job(name="nightly")
    Job.objects.filter(pk=job.pk).update(
        state="auto_disabled", consecutive_failures=5, state_changed_at=timezone.now()
    )
    run = make_execution(job, state="failed")
    failing = opened(Rule.FAILURES, "x", Severity.CRITICAL, jobs=(job.pk,), execution=run.pk)
    AlertJob.objects.update(kind=Kind.DISABLED.value)
    missed = opened(Rule.DISK, "data", Severity.WARNING)
    alerts.acknowledge(missed.pk, actor=SYSTEM, note="on it")
    late = opened(Rule.LATE_START, "default", Severity.WARNING)
    for number in range(4):
        opened(Rule.LONG_RUN, str(number), Severity.CRITICAL)
    ended = opened(Rule.DISK, "old", Severity.WARNING)
    alerting.resolve(ended, now=timezone.now())

    page = operator_client.get(reverse("overview")).content.decode()
    beat = operator_client.get(reverse("p_heartbeat")).content.decode()
    table = operator_client.get(reverse("alerts")).content.decode()

    panel = page.split('id="attention"')[1].split("</section>")[0]
    lines = [text_of(line) for line in panel.split('<li class="')[1:]]
    order = ("Long run: 4 alerts", "T-failures-x", "T-late_start-default", "T-disk-data")
    assert [next(name for name in order if name in line) for line in lines] == list(order)
    assert all(f"T-long_run-{number}" in lines[0] for number in range(4))
    assert "nightly" in lines[1]
    assert reverse("job_resume", args=[job.pk]) in panel  # the step that fits, not its log
    assert reverse("alert_acknowledge", args=[late.pk]) in panel
    assert reverse("alert_acknowledge", args=[missed.pk]) not in panel
    assert "acknowledged by system" in lines[3]
    assert "5 critical" in panel
    assert "2 warnings" in panel
    assert "<title>(5) Overview" in page
    assert "7 open alerts" in beat
    assert "favicon-critical" in page
    assert "favicon-critical" in beat
    assert table.count('<tr id="alert-') == 7
    assert "T-disk-old" not in panel + table
    assert reverse("alert", args=[failing.pk]) in panel


def test_a_few_alerts_under_one_line_are_all_named(viewer_client: Client) -> None:
    """The defect: of five jobs that failed at night the overview named one."""
    make_job()
    for number in range(SPELT_OUT):
        opened(Rule.LONG_RUN, str(number), Severity.WARNING)
    few = panel_of(viewer_client)
    opened(Rule.LONG_RUN, "one-more", Severity.WARNING)
    many = panel_of(viewer_client)

    assert f"Long run: {SPELT_OUT} alerts" in text_of(few)
    assert few.count('<li class="wrn"') == 1
    assert "<details>" not in few
    assert all(few.count(f"T-long_run-{number}</a>") == 1 for number in range(SPELT_OUT))
    assert "<details>" in many


def test_the_list_follows_what_the_alerter_writes(viewer_client: Client) -> None:
    """An alert is on the page at the next poll, and away after its end."""
    url = reverse("p_attention")
    tag = viewer_client.get(url)["HX-PTag"]
    assert viewer_client.get(url, headers={"HX-PTag": tag}).status_code == 304

    row = opened(Rule.DISK, "data", Severity.CRITICAL)
    shown = viewer_client.get(url, headers={"HX-PTag": tag})
    alerting.resolve(row, now=timezone.now())
    over = viewer_client.get(url, headers={"HX-PTag": shown["HX-PTag"]})

    assert "T-disk-data" in shown.content.decode()
    assert "<title>(1) Overview" in shown.content.decode()
    assert "Nothing needs attention" in over.content.decode()
    assert "<title>Overview" in over.content.decode()
    assert "favicon-critical" in viewer_client.get(reverse("p_heartbeat")).content.decode()  # down


def test_trouble_that_an_alert_names_is_not_told_twice(viewer_client: Client) -> None:
    job = make_job(name="flaky")
    now = timezone.now()
    Job.objects.filter(pk=job.pk).update(
        consecutive_failures=4,
        last_failure_at=now,
        last_execution_id=make_execution(job, state="failed").pk,
    )
    endless = make_execution(job, state="running", started_at=now - timedelta(hours=1))
    before = panel_of(viewer_client)

    opened(Rule.FAILURES, "y", Severity.WARNING, jobs=(job.pk,))
    opened(Rule.LONG_RUN, str(endless.pk), Severity.CRITICAL, execution=endless.pk)
    after = panel_of(viewer_client)

    for panel in (before, after):
        assert ("1 critical" in panel, "1 warning" in panel) == (True, True)
        assert panel.count('<li class="') == 2
    assert "failed 4 times in a row" in text_of(before)
    assert "T-failures-y" in after


def test_alerts_of_one_queue_stand_together_in_the_reader_s_language(
    viewer_client: Client,
) -> None:
    """The defects: one queue told three times, and English sentences on Indonesian pages."""
    queue = {"queue": "reports"}
    bottleneck = {**queue, "kind": "queue_backlog", "value": 1200.0}
    opened(Rule.BOTTLENECK, "reports", Severity.WARNING, evidence=bottleneck)
    opened(Rule.NO_WORKER, "reports", Severity.CRITICAL, evidence={**queue, "labels": ""})
    says = {"issues": ["4 of 10 runs failed"], "says": [["high_failure_rate", 0.4]]}
    unhealthy = {**queue, "score": 0.31, **says}
    sick = opened(Rule.QUEUE_HEALTH, "reports", Severity.CRITICAL, evidence=unhealthy)
    job = make_job(name="report")
    missed = {"due_times": 7, "first_due_at": "2026-01-01T00:00:00+00:00"}
    opened(Rule.MISSED, "jobs", Severity.WARNING, evidence=missed, jobs=(job.pk,))
    opened(Rule.LATE_START, "old", Severity.WARNING)  # a row that keeps only its sentence
    row = opened(Rule.FAILURES, "z", Severity.WARNING, jobs=(job.pk,), cause="timed out")
    AlertJob.objects.filter(alert=row).update(kind=Kind.IN_A_ROW.value, why="3 failures in a row")

    english = panel_of(viewer_client)
    viewer_client.cookies["django_language"] = "id"
    html = viewer_client.get(reverse("overview")).content.decode()
    page = viewer_client.get(reverse("alert", args=[row.pk])).content.decode()
    reasons = viewer_client.get(reverse("alert", args=[sick.pk])).content.decode()

    assert "Queue reports: 3 alerts" in text_of(english)
    assert english.count('<li class="') == 4
    for sentence in (
        "1.200 eksekusi menunggu di antrean reports",
        "Tidak ada worker yang melayani antrean reports",
        "Antrean reports tidak sehat: skor 0,31. 40",
        "7 jatuh tempo terlewat",
        "T-late_start-old",
        "report: gagal 3 kali beruntun: ",
    ):
        assert sentence in text_of(html), sentence
    assert " eksekusi antrean reports gagal" in reasons
    assert "4 of 10 runs failed" not in reasons
    assert "gagal 3 kali beruntun" in page
    assert "failures in a row" not in page


def test_how_late_a_job_is_stands_where_the_reader_s_language_has_it(
    operator_client: Client,
) -> None:
    make_worker(kind="dispatcher", slots=0, tick_at=timezone.now())
    due = timezone.now() - timedelta(minutes=7)
    Job.objects.filter(pk=make_job(name="nightly").pk).update(next_fire_at=due)

    def told(language: str) -> str:
        headers = {"accept-language": language}
        page = operator_client.get(reverse("overview"), headers=headers).content.decode()
        return re.sub(r" (?=\.)", "", text_of(page.split('id="attention"')[1]))

    assert "7 min late. No scheduler has decided it yet." in told("en")
    assert "Terlambat 7 mnt. Belum ada scheduler yang memutuskannya." in told("id")


def test_each_row_has_an_id_of_its_own_also_of_one_job(viewer_client: Client) -> None:
    """The defect: of two long runs of one job the pointer over the list made one go."""
    job = make_job(name="twice", overlap="allow", max_parallel=2)
    for hours in (1, 2):
        make_execution(job, state="running", started_at=timezone.now() - timedelta(hours=hours))
    failed = make_execution(job, state="failed")
    Job.objects.filter(pk=job.pk).update(consecutive_failures=4, last_execution_id=failed.pk)

    ids = re.findall(r'<li [^>]*id="([^"]+)" data-row', panel_of(viewer_client))

    assert len(ids) == len(set(ids)) == 3
