"""The job scheduler interface of CB-Tumblebug: fields, codes, sentences, what is the same."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from jobs.models import AuditEntry, Execution, Job
from jobs.services import audit
from tests.factories import make_job

pytestmark = pytest.mark.django_db
WHERE = "/tumblebug/registerCspResources/schedule"
FIELDS = [
    "jobId",
    "jobType",
    "nsId",
    "status",
    "intervalSeconds",
    "executionTimeout",
    "enabled",
    "connectionName",
    "mciNamePrefix",
    "option",
    "mciFlag",
    "createdAt",
    "lastExecutedAt",
    "nextExecutionAt",
    "executionCount",
    "successCount",
    "failureCount",
    "consecutiveFailures",
    "lastError",
    "lastResult",
    "autoDisabled",
]
MINIMAL = {"jobType": "registerCspResources", "nsId": "default", "intervalSeconds": 3600}


class Script:
    """A program on this host, as curl is one: no credentials, JSON labelled as a form."""

    def __init__(self) -> None:
        """Take a client of its own."""
        self.client = Client(SERVER_NAME="localhost")
        self.kind = "application/x-www-form-urlencoded"

    def __call__(
        self, method: str, path: str = "", body: Any = None, **headers: str
    ) -> tuple[int, Any]:
        """Send a request; return status and document."""
        data = body if isinstance(body, str) else "" if body is None else json.dumps(body)
        response = self.client.generic(
            method, WHERE + path, data, content_type=self.kind, headers=headers
        )
        assert b"\n" not in response.content, "S0-172: one line"
        return response.status_code, json.loads(response.content)

    def make(self, **fields: Any) -> dict[str, Any]:
        """Create a job."""
        status, job = self("POST", "", {**MINIMAL, **fields})
        assert status == 200, job
        assert isinstance(job, dict)
        return job


@pytest.fixture
def script() -> Script:
    """Return a program on this host."""
    return Script()


def moment(text: str) -> float:
    """Return the seconds of a moment in the interface's form."""
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text), text
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()


def test_s0_13_26_27_28_a_create_answers_the_job_with_its_first_run(script: Script) -> None:
    status, job = script("POST", "", MINIMAL)

    assert status == 200
    assert list(job) == FIELDS
    assert re.fullmatch(r"registerCspResources-\d{10}", job["jobId"])
    counts = [job[f"{name}Count"] for name in ("execution", "success", "failure")]
    assert (job["status"], counts, job["consecutiveFailures"]) == ("Executing", [1, 0, 0], 0)
    assert (job["enabled"], job["autoDisabled"], job["executionTimeout"]) == (True, False, 1800)
    assert job["lastExecutedAt"] == job["createdAt"]
    assert moment(job["nextExecutionAt"]) == moment(job["createdAt"]) + 3600
    assert Execution.objects.get().state == "queued"
    assert Job.objects.get().counts_from_end


def test_s0_19_to_24_47_what_is_not_given_has_its_default(script: Script) -> None:
    """S0-47."""
    made = script.make()

    status, job = script("GET", f"/{made['jobId']}")

    assert (status, list(job)) == (200, FIELDS)
    assert (job["connectionName"], job["mciNamePrefix"]) == ("", "mci")
    assert (job["option"], job["mciFlag"]) == ("", "y")
    assert (job["lastError"], job["lastResult"]) == ("", "")
    kept = script.make(option="vNet, customImage", mciFlag="n", executionTimeout=1200)
    assert (kept["option"], kept["mciFlag"]) == ("vNet,customImage", "n")
    assert kept["executionTimeout"] == 1200


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"jobType": None}, "jobType is required"),
        ({"nsId": None}, "nsId is required"),
        ({"intervalSeconds": None}, "intervalSeconds is required"),
        ({"jobType": "x"}, "jobType must be 'registerCspResources', not 'x'"),
        ({"intervalSeconds": 9}, "interval must be at least 10 seconds, not 9"),
        ({"intervalSeconds": "abc"}, "Invalid request format or missing required fields: interv"),
        ({"intervalSeconds": "60"}, "Invalid request format or missing required fields: interv"),
        ({"intervalSeconds": True}, "Invalid request format or missing required fields: interv"),
        ({"intervalSeconds": 0}, "Invalid request format or missing required fields: interv"),
        ({"intervalSeconds": -5}, "Invalid request format or missing required fields: interv"),
        ({"intervalSeconds": 10**12}, "intervalSeconds must be at most"),
        ({"option": "foo"}, "Validation Failed: unsupported option: 'foo'"),
        ({"option": "securityGroup"}, "'securityGroup' requires 'vNet'"),
        ({"mciFlag": "maybe"}, "mciFlag: Input should be 'y' or 'n', not 'maybe'"),
        ({"executionTimeout": 0}, "executionTimeout"),
        ({"cron": "61 * * * *"}, "61"),
    ],
)
def test_s0_14_to_17_23_what_is_wrong_is_named(
    script: Script, change: dict[str, Any], words: str
) -> None:
    body = {name: v for name, v in {**MINIMAL, **change}.items() if v is not None}

    status, answer = script("POST", "", body)

    assert status == 400
    assert words in answer["message"]
    assert not Job.objects.exists()


@pytest.mark.parametrize("body", ["{", "[]", '{\n  "jobType": "x" // Required\n}', "a=1&b", ""])
def test_s0_18_176_what_is_no_json_object_is_refused(script: Script, body: str) -> None:
    status, answer = script("POST", "", body)

    assert (status, list(answer)) == (400, ["message"])
    if "//" in body:
        assert "at line 2 column" in answer["message"]


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data"])
def test_s0_02_03_a_body_is_read_whatever_it_is_called(script: Script, kind: str) -> None:
    script.kind = kind

    assert script.make()["nsId"] == "default"


def test_s0_02_a_real_form_is_read_too(script: Script) -> None:
    status, job = script("POST", "", "jobType=registerCspResources&nsId=7&intervalSeconds=60")

    assert (status, job["nsId"], job["intervalSeconds"]) == (200, "7", 60)


def test_s0_29_30_ids_are_of_the_second_and_unique(script: Script) -> None:
    """S0-38."""
    ids = [script.make(nsId=name)["jobId"] for name in ("aws-ns", "azure-ns", "gcp-ns")]

    assert len(set(ids)) == 3
    assert all(re.fullmatch(r"registerCspResources-\d{10}", one) for one in ids)


def test_s0_31_to_35_a_configuration_is_there_once(script: Script) -> None:
    first = script.make(option="vNet,sshKey")
    same = {**MINIMAL, "option": " sshKey,vNet", "mciFlag": "y", "mciNamePrefix": "mci"}

    refused = script("POST", "", {**same, "intervalSeconds": 7200})

    assert refused == (
        409,
        {
            "message": "A job with the same configuration already exists",
            "existingJobId": first["jobId"],
        },
    )
    for other in (
        {"nsId": "other"},
        {"option": ""},
        {"mciFlag": "n"},
        {"mciNamePrefix": "MCI"},
        {"connectionName": "aws"},
    ):
        assert script("POST", "", {**same, **other})[0] == 200, other
    script("DELETE", f"/{first['jobId']}")
    assert script("POST", "", same)[0] == 200


def test_s0_37_a_fault_of_the_server_is_500_and_makes_nothing(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(name: str) -> None:
        raise OperationalError("disk I/O error")

    monkeypatch.setattr(audit, "record", lambda *_, **__: broken(""))
    status, answer = script("POST", "", MINIMAL)
    monkeypatch.undo()

    assert (status, list(answer)) == (500, ["message"])
    assert "disk" not in answer["message"]
    assert script("GET") == (200, {"jobs": []})


@pytest.mark.long
def test_s0_39_to_46_51_the_list_has_all_such_jobs_and_no_others(script: Script) -> None:
    """S0-51, S0-88."""
    assert script("GET") == (200, {"jobs": []})
    make_job(name="a-command")
    by_page = make_job(
        name="by-page", type="registerCspResources", spec={"ns_id": "page"}, schedules=[]
    )
    made = [script.make(nsId=f"ns-{number}") for number in range(120)]

    status, answer = script("GET")

    assert status == 200
    assert [job["jobId"] for job in answer["jobs"]] == ["by-page", *(job["jobId"] for job in made)]
    assert all(list(job) == FIELDS for job in answer["jobs"])
    assert script("GET", "?nsId=ns-7")[1]["jobs"][0]["jobId"] == made[7]["jobId"]
    assert script("GET", f"/{by_page.name}")[1]["nsId"] == "page"


def test_the_list_costs_the_same_however_long_it_is(
    script: Script, django_assert_num_queries: Any
) -> None:
    for number in range(12):
        script.make(nsId=f"ns-{number}")

    with django_assert_num_queries(4):
        _, answer = script("GET")

    assert len(answer["jobs"]) == 12


def test_s0_48_an_unknown_id_is_404_everywhere(script: Script) -> None:
    for method, path in (
        ("GET", ""),
        ("PUT", ""),
        ("PUT", "/pause"),
        ("PUT", "/resume"),
        ("DELETE", ""),
    ):
        body: dict[str, object] | None = {} if method == "PUT" else None

        assert script(method, f"/nope{path}", body) == (404, {"message": "job not found: nope"})


def test_s0_52_to_60_an_update_changes_what_it_names(script: Script) -> None:
    job = script.make()
    where = f"/{job['jobId']}"

    assert script("PUT", where, {"intervalSeconds": 7200})[1]["intervalSeconds"] == 7200
    unchanged = script("GET", where)[1]
    assert script("PUT", where, {}) == (200, unchanged)
    assert script("PUT", where, {"color": "red"}) == (200, unchanged)
    assert script("PUT", where, {"intervalSeconds": 5, "enabled": False})[0] == 400
    assert script("GET", where)[1] == unchanged
    changed = script("PUT", where, {"executionTimeout": 600, "enabled": False})[1]
    assert (changed["executionTimeout"], changed["enabled"]) == (600, False)
    assert changed["intervalSeconds"] == 7200
    assert script("PUT", where, {"enabled": True})[1]["enabled"] is True


def test_s0_55_56_a_new_interval_counts_at_once(script: Script) -> None:
    made = script.make()
    Execution.objects.all().delete()
    Job.objects.update(execution_count=0)  # as if nothing ran

    job = script("PUT", f"/{made['jobId']}", {"intervalSeconds": 10})[1]

    assert moment(job["nextExecutionAt"]) <= time.time() + 12


def test_s0_184_all_fields_can_be_corrected_in_place(script: Script) -> None:
    first, second = script.make(connectionName="aws"), script.make(connectionName="aws-typo")
    where = f"/{second['jobId']}"

    refused = script("PUT", where, {"connectionName": "aws", "intervalSeconds": 60})
    taken = script("PUT", where, {"connectionName": "gcp", "option": "vNet"})

    assert (refused[0], refused[1]["existingJobId"]) == (409, first["jobId"])
    assert taken[0] == 200
    assert [taken[1][name] for name in ("connectionName", "option")] == ["gcp", "vNet"]
    assert taken[1]["intervalSeconds"] == 3600


def test_s0_61_to_70_pause_and_resume_say_so_and_can_be_repeated(script: Script) -> None:
    job = script.make()
    where = f"/{job['jobId']}"

    for _ in range(2):
        assert script("PUT", f"{where}/pause") == (
            200,
            {
                "jobId": job["jobId"],
                "status": "Scheduled",
                "enabled": False,
                "message": "Job paused successfully",
            },
        )
    paused = script("GET", where)[1]
    assert (paused["status"], paused["enabled"]) == ("Scheduled", False)
    assert moment(paused["nextExecutionAt"]) > datetime.now(UTC).timestamp()
    for _ in range(2):
        status, answer = script("PUT", f"{where}/resume")
        assert (status, answer["message"]) == (200, "Job resumed successfully")
    assert script("GET", where)[1]["enabled"] is True


def test_s0_71_to_78_delete_one_and_delete_all(script: Script) -> None:
    other = make_job(name="a-command")
    job = script.make()
    for number in range(3):
        script.make(nsId=f"ns-{number}")

    one = script("DELETE", f"/{job['jobId']}")
    every = script("DELETE")

    sentence = f"Scheduled job stopped and deleted successfully: {job['jobId']}"
    assert one == (200, {"message": sentence})
    assert every == (
        200,
        {"message": "All scheduled jobs deleted successfully", "deletedCount": 3},
    )
    assert script("DELETE")[1]["deletedCount"] == 0
    assert script("GET", f"/{job['jobId']}")[0] == 404
    assert list(Job.objects.present()) == [other]
    assert set(Execution.objects.values_list("state", flat=True)) == {"cancelled"}
    deleted = AuditEntry.objects.filter(action="job.delete")
    assert {entry.actor for entry in deleted} == {"loopback"}
    assert deleted.count() == 4


def test_s0_156_a_job_is_called_by_its_prefix_where_that_is_free(script: Script) -> None:
    for ns_id in ("default", "prod", "prod"):
        script("POST", "", {**MINIMAL, "nsId": ns_id, "mciNamePrefix": "aws-kr-prod"})
    script.make(mciNamePrefix="Präfix mit Leerzeichen")

    names = list(Job.objects.order_by("pk").values_list("name", flat=True))

    assert names[:2] == ["aws-kr-prod", "aws-kr-prod-prod"]
    assert names[2].startswith("registerCspResources-")


def test_s0_169_182_a_job_may_run_at_times_of_day(script: Script) -> None:
    body: dict[str, Any] = {**MINIMAL, "cron": "0 3 * * *"}
    del body["intervalSeconds"]

    status, job = script("POST", "", body)

    assert (status, job["status"], job["executionCount"]) == (200, "Scheduled", 0)
    assert job["nextExecutionAt"].endswith("T03:00:00Z")
    assert (job["intervalSeconds"], job["lastExecutedAt"]) == (0, "")


def test_s0_06_10_a_wrong_method_is_told_as_json(script: Script) -> None:
    status, answer = script("PATCH", "", {})

    assert (status, answer) == (
        405,
        {"message": "PATCH is not possible here. Use DELETE, GET, POST."},
    )
    assert script("GET", "/a/b/c")[0] == 404
