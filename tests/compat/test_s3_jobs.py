"""The scheduled-jobs interface: its envelope, sentences, fields, pages and refusals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from jobs.api.compat import scheduled_jobs
from jobs.domain.permissions import SYSTEM, Role
from jobs.models import AuditEntry, Execution, Job
from jobs.services import tokens
from tests.api.callers import Answer, Caller, caller
from tests.factories import cron, every, make_execution, make_job, make_user

pytestmark = pytest.mark.django_db
WHERE = "/api/v1/scheduled-jobs"
ATTENDANCE = "auto_create_daily_attendance"
LIST = ["job_id", "name", "description", "next_run", "trigger", "enabled"]
LATEST = [
    "id",
    "job_id",
    "started_at",
    "finished_at",
    "duration_seconds",
    "success",
    "message",
    "result_data",
]
NOW = datetime.now(UTC)


@pytest.fixture
def hr() -> Caller:
    """Return somebody with both permissions."""
    return caller(Role.OPERATOR)


def attendance(**fields: Any) -> Job:
    """Return the job of the guide."""
    return make_job(
        name=ATTENDANCE,
        description="Auto-create attendance records...\nSetiap hari jam 00:30 WIB",
        schedules=[cron("30 0 * * *", "Asia/Jakarta")],
        **fields,
    )


def ended(job: Job, state: str = "succeeded", *, ago: timedelta, **fields: Any) -> Execution:
    """Return an execution that took 15.234 seconds."""
    began = NOW - ago
    values = {"queued_at": began, "started_at": began, "due_at": began, **fields}
    over = began + timedelta(seconds=15, milliseconds=234)
    return make_execution(job, state=state, finished_at=over, **values)


def body(answer: Answer) -> Any:
    """Return the document of a success, in the envelope of the guide."""
    assert list(answer.json)[:3] == ["status", "message", "data"]
    assert (answer.status < 300) is (answer.json["status"] == "success")
    return answer.json


def test_s3_27_to_32_the_list_has_every_job_in_the_guides_words(hr: Caller) -> None:
    attendance()
    make_job(name="hourly", schedules=[every(3600)], paused=True)
    make_job(name="by-hand", schedules=[])

    answer = body(hr.get(WHERE))

    assert answer["message"] == "Ditemukan 3 scheduled jobs"
    first, hourly, by_hand = answer["data"]
    assert list(first) == LIST
    assert first["job_id"] == ATTENDANCE
    assert first["name"] == "Auto-create attendance records..."
    assert first["next_run"].endswith("T00:30:00+07:00")
    assert first["trigger"] == "cron[hour='0', minute='30']"
    assert first["enabled"] is True
    assert (hourly["name"], hourly["trigger"]) == ("hourly", "interval[1:00:00]")
    assert (hourly["enabled"], hourly["next_run"]) == (False, None)
    assert by_hand["trigger"] is None
    assert hr.get(f"{WHERE}/").status == 200


@pytest.mark.parametrize(
    ("schedule", "text"),
    [
        (cron("0 8 * * 1"), "cron[day_of_week='1', hour='8', minute='0']"),
        (cron("*/15 * * * *"), "cron[minute='*/15']"),
        (cron("* * * * *"), "cron[minute='*']"),
        (cron("0 23 L * *"), "cron[day='L', hour='23', minute='0']"),
        (cron("@daily"), "cron[hour='0', minute='0']"),
        (cron("0 0 1 1 * 30"), "cron[month='1', day='1', hour='0', minute='0', second='30']"),
        (
            cron("30 0 0 1 1 *", seconds_position="first"),
            "cron[month='1', day='1', hour='0', minute='0', second='30']",
        ),
        (every(86400), "interval[1 day, 0:00:00]"),
        (
            {"kind": "once", "at": "2099-01-02T03:04:05Z", "timezone": "Asia/Jakarta"},
            "date[2099-01-02 10:04:05 WIB]",
        ),
        ({"kind": "event", "event": "@reboot"}, "event[@reboot]"),
    ],
)
def test_s3_32_a_schedule_reads_as_a_trigger(
    hr: Caller, schedule: dict[str, Any], text: str
) -> None:
    make_job(name="x", schedules=[schedule])

    assert hr.get(f"{WHERE}/x").json["data"]["trigger"] == text


def test_s3_31_the_zone_is_a_setting(hr: Caller, settings: Any) -> None:
    """S3-85."""
    attendance()
    settings.JOBDECK = {**settings.JOBDECK, "SCHEDULED_JOBS_ZONE": "UTC"}

    assert hr.get(WHERE).json["data"][0]["next_run"].endswith("T17:30:00+00:00")


def test_s3_33_to_36_a_job_comes_with_its_latest_execution(hr: Caller) -> None:
    job = attendance()
    where = f"{WHERE}/{ATTENDANCE}"
    never = body(hr.get(where))
    ended(job, ago=timedelta(hours=2), message="older")
    row = ended(job, ago=timedelta(hours=1), result={"created": 150, "skipped": 0})
    make_execution(job)  # waits, so it is no row of the guide's table yet

    answer = body(hr.get(where))

    assert never["message"] == answer["message"] == "Detail job berhasil diambil"
    assert list(answer["data"]) == [*LIST, "latest_execution"]
    assert never["data"]["latest_execution"] is None
    latest = answer["data"]["latest_execution"]
    assert list(latest) == LATEST
    assert (latest["id"], latest["job_id"]) == (row.pk, ATTENDANCE)
    assert latest["duration_seconds"] == 15.234
    assert latest["started_at"].endswith("+07:00")
    assert datetime.fromisoformat(latest["started_at"]) == (NOW - timedelta(hours=1)).replace(
        microsecond=0
    )
    assert (latest["success"], latest["result_data"]) == (True, {"created": 150, "skipped": 0})


def test_a_job_is_found_by_the_id_of_its_code_before_a_name(hr: Caller) -> None:
    make_job(name="same")
    Job.objects.filter(pk=attendance().pk).update(external_id="same")

    assert hr.get(f"{WHERE}/same").json["data"]["trigger"] == "cron[hour='0', minute='30']"
    assert hr.get(f"{WHERE}/{ATTENDANCE}").json["data"]["job_id"] == "same"


@pytest.mark.parametrize("path", ["nope", "nope/history", "nope/trigger", "%00", "no%2Fpe"])
def test_s3_37_an_unknown_job_is_told_in_the_same_form(hr: Caller, path: str) -> None:
    method = "POST" if path.endswith("trigger") else "GET"

    answer = hr.call(method, f"{WHERE}/{path}")

    assert answer.status == 404
    if path.startswith("nope"):
        sentence = "Job dengan ID nope tidak ditemukan"
        assert answer.json == {"status": "error", "message": sentence, "data": None}
    else:
        assert answer.json["status"] == "error"


def test_s3_42_to_45_the_history_comes_in_pages_newest_first(hr: Caller) -> None:
    job = attendance()
    rows = [ended(job, ago=timedelta(hours=25 - number)) for number in range(25)]
    Execution.objects.filter(pk=rows[-1].pk).update(state="failed", error="Traceback\nboom")

    first = body(hr.get(f"{WHERE}/{ATTENDANCE}/history"))
    second = body(hr.get(f"{WHERE}/{ATTENDANCE}/history?page=2&limit=20"))

    assert first["message"] == f"History eksekusi job {ATTENDANCE}"
    assert first["meta"] == {"page": 1, "limit": 20, "total_items": 25, "total_pages": 2}
    assert [row["id"] for row in first["data"] + second["data"]] == [r.pk for r in rows[::-1]]
    assert len(second["data"]) == 5
    assert list(first["data"][0]) == [*LATEST, "error_trace", "created_at"]
    assert first["data"][0]["error_trace"] == "Traceback\nboom"
    assert first["data"][0]["success"] is False
    assert first["data"][1]["error_trace"] is None
    assert hr.get(f"{WHERE}/{ATTENDANCE}/history?page=9").json["data"] == []


@pytest.mark.parametrize(
    "query",
    [
        "{job}/history?limit=0",
        "{job}/history?limit=101",
        "{job}/history?page=0",
        "{job}/history?page=x",
        "{job}/history?page=-1",
        "executions/recent?hours=0",
        "executions/recent?hours=169",
        "executions/recent?hours=%D9%A3",
    ],
)
def test_s3_44_48_what_is_out_of_bounds_is_refused_by_name(hr: Caller, query: str) -> None:
    attendance()

    answer = hr.get(f"{WHERE}/{query.format(job=ATTENDANCE)}")

    assert answer.status == 422
    assert answer.json["message"].startswith(f"Data tidak valid: {query.split('?')[1][:4]}")


def test_s3_46_to_49_recent_has_the_executions_of_all_jobs(
    hr: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = ended(attendance(), ago=timedelta(hours=30))
    new = ended(make_job(name="other"), ago=timedelta(hours=2))

    day = body(hr.get(f"{WHERE}/executions/recent"))
    two_days = body(hr.get(f"{WHERE}/executions/recent?hours=48"))

    assert [row["id"] for row in day["data"]] == [new.pk]
    assert day["message"] == "Ditemukan 1 eksekusi dalam 24 jam terakhir"
    assert [row["id"] for row in two_days["data"]] == [new.pk, old.pk]
    assert two_days["message"] == "Ditemukan 2 eksekusi dalam 48 jam terakhir"
    monkeypatch.setattr(scheduled_jobs, "MOST_RECENT", 1)
    assert len(hr.get(f"{WHERE}/executions/recent?hours=48").json["data"]) == 1


def test_s3_59_the_interface_and_the_view_say_the_same(hr: Caller) -> None:
    job = attendance()
    for state in ("succeeded", "failed", "timed_out", "lost", "cancelled", "skipped"):
        ended(job, state, ago=timedelta(hours=1))
    ended(job, "failed", ago=timedelta(hours=1), message="ValueError: x", error="Traceback")
    make_execution(job, state="skipped", finished_at=NOW)
    make_execution(job, state="running", started_at=NOW)
    make_execution(job, state="retrying", started_at=NOW, finished_at=NOW)
    make_execution(job)
    told = hr.get(f"{WHERE}/{ATTENDANCE}/history").json["data"]

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, success, message, error_trace, finished_at IS NULL, duration_seconds "
            "FROM job_executions ORDER BY id DESC"
        )
        rows = cursor.fetchall()

    assert len(rows) == 10
    names = ("id", "success", "message", "error_trace")
    for row, document in zip(rows, told, strict=True):
        assert list(row[:4]) == [document[name] for name in names]
        assert row[4] == (document["finished_at"] is None)
        assert (row[5] is None) == (document["duration_seconds"] is None)
        assert float(row[5] or 0) == pytest.approx(document["duration_seconds"] or 0, abs=0.0011)


def test_c_sync_a_trigger_that_need_not_wait_says_what_was_started(hr: Caller) -> None:
    attendance()

    answer = hr.post(f"{WHERE}/{ATTENDANCE}/trigger?wait=0")

    execution = Execution.objects.get()
    assert answer.status == 202
    assert body(answer)["data"] == {
        "job_id": ATTENDANCE,
        "success": None,
        "result": None,
        "execution_id": execution.pk,
    }
    assert (execution.trigger, execution.state) == ("api", "queued")


def test_s3_72_a_trigger_during_a_run_is_told_so(hr: Caller) -> None:
    """S2-34, S3-72: over HTTP."""
    attendance()
    hr.post(f"{WHERE}/{ATTENDANCE}/trigger?wait=0")

    answer = hr.post(f"{WHERE}/{ATTENDANCE}/trigger?wait=0")

    assert (answer.status, Execution.objects.count()) == (409, 1)
    assert answer.json["message"] == f"Job {ATTENDANCE} sedang dijalankan oleh instance lain"


def test_s3_41_58_a_disabled_job_can_be_triggered_and_the_audit_log_says_who() -> None:
    attendance(paused=True)

    answer = caller(Role.OPERATOR, "budi").post(f"{WHERE}/{ATTENDANCE}/trigger?wait=0")

    assert answer.status == 202
    entry = AuditEntry.objects.get(action="job.trigger")
    assert (entry.actor, entry.object_name) == ("budi", ATTENDANCE)


def test_s3_84_a_job_is_disabled_and_enabled_without_a_restart(hr: Caller) -> None:
    attendance()

    disabled = body(hr.post(f"{WHERE}/{ATTENDANCE}/disable"))
    enabled = body(hr.post(f"{WHERE}/{ATTENDANCE}/enable"))

    assert (disabled["message"], disabled["data"]["enabled"]) == (
        "Job berhasil dinonaktifkan",
        False,
    )
    assert (enabled["message"], enabled["data"]["enabled"]) == ("Job berhasil diaktifkan", True)


READS = ["", f"/{ATTENDANCE}", f"/{ATTENDANCE}/history", "/executions/recent"]
ACTS = [f"/{ATTENDANCE}/{verb}" for verb in ("trigger?wait=0", "enable", "disable")]


@pytest.mark.parametrize("path", [*READS, *ACTS])
def test_s3_52_to_55_each_address_asks_for_its_permission(path: str) -> None:
    attendance()
    method = "GET" if path in READS else "POST"
    needed = "read" if path in READS else "execute" if "trigger" in path else "pause"
    strangers = [Caller(), Caller("wrong")]
    least = Role.VIEWER if path in READS else Role.OPERATOR

    refused = caller(None if path in READS else Role.VIEWER).call(method, WHERE + path)

    sentence = f"Akses ditolak. Memerlukan izin: scheduled_job.{needed}"
    assert refused.status == 403
    assert refused.json == {"status": "error", "message": sentence, "data": None}
    for stranger in strangers:
        answer = stranger.call(method, WHERE + path)
        assert (answer.status, answer.json["status"]) == (401, "error")
        assert "Bearer" in answer.headers["WWW-Authenticate"]
    assert not Execution.objects.exists()
    assert caller(least).call(method, WHERE + path).status < 300


def test_s3_54_a_revoked_token_and_this_very_host_are_refused() -> None:
    user = make_user("citra", Role.ADMINISTRATOR)
    token, value = tokens.create(user, "script")
    here = Client(SERVER_NAME="localhost")
    assert Caller(value, here).get(WHERE).status == 200

    tokens.revoke(token, actor=SYSTEM)

    assert Caller(value, here).get(WHERE).status == 401
    assert Caller("", here).get(WHERE).status == 401


def test_s3_51_a_signed_in_browser_needs_its_csrf_token_and_a_token_none(
    operator_client: Client,
) -> None:
    attendance()
    client = Client(enforce_csrf_checks=True)
    client.cookies = operator_client.cookies

    by_cookie = client.post(f"{WHERE}/{ATTENDANCE}/trigger?wait=0")
    holder = caller(Role.OPERATOR)
    by_token = Caller(client=Client(enforce_csrf_checks=True))
    by_token.headers = holder.headers

    assert by_cookie.status_code == 403
    assert by_token.call("POST", f"{WHERE}/{ATTENDANCE}/trigger?wait=0", raw=b"").status == 202


def test_the_native_api_and_this_one_do_not_shadow_each_other(hr: Caller) -> None:
    attendance()

    assert hr.get("/api/v1/jobs").json["items"][0]["name"] == ATTENDANCE
    assert list(hr.get("/api/v1/nothing").json) != ["status", "message", "data"]
    assert hr.get(f"{WHERE}/{ATTENDANCE}/other/thing").json == {
        "status": "error",
        "message": "Alamat tidak ditemukan",
        "data": None,
    }
    wrong = hr.call("DELETE", f"{WHERE}/{ATTENDANCE}")
    assert (wrong.status, wrong.json["status"], wrong.headers["Allow"]) == (405, "error", "GET")
    assert Caller().get(f"{WHERE}/a/b/c").status == 401


def test_the_list_costs_the_same_however_long_it_is(
    hr: Caller, django_assert_max_num_queries: Any
) -> None:
    for number in range(12):
        make_job(name=f"job-{number}", schedules=[every(60)])

    with django_assert_max_num_queries(6):
        assert len(hr.get(WHERE).json["data"]) == 12


@pytest.mark.parametrize("language", ["en", "id", "de"])
def test_sentences_stay_indonesian_whatever_the_reader_speaks(hr: Caller, language: str) -> None:
    """S3-91, C-LANG: they are part of the interface, not of the pages."""
    attendance()

    listed = hr.get(WHERE, Accept_Language=language)
    unknown = hr.get(f"{WHERE}/nope", Accept_Language=language)

    assert listed.json["message"] == "Ditemukan 1 scheduled jobs"
    assert unknown.json["message"] == "Job dengan ID nope tidak ditemukan"
