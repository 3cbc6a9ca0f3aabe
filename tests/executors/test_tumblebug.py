"""registerCspResources against a server that answers, and fails, as CB-Tumblebug does."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured

from jobs.domain.errors import InvalidError
from jobs.domain.states import ExecutionState
from jobs.domain.tumblebug import TumblebugServer, Vocabulary
from jobs.executors import BeatAnswer, http_supervision, parse_spec, tumblebug_call
from scheduler_site.env import tumblebug_server
from tests.executors.worker import Run, make_context, run
from tests.tumblebug_stub import PASSWORD, TOKEN, USER, Stub, tumblebug

SUCCEEDED, FAILED = ExecutionState.SUCCEEDED, ExecutionState.FAILED
ONE = "aws-ap-northeast-2"
Register = Callable[..., Run]


@pytest.fixture
def stub() -> Iterator[Stub]:
    """Return a server in its normal state; every request and answer keeps the contract."""
    with tumblebug() as made:
        yield made
    assert made.against_the_contract() == []


@pytest.fixture
def register(
    stub: Stub, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Register:
    """Return a function that runs such a job in this process."""
    monkeypatch.setattr(tumblebug_call, "FIRST_LOOK_SECONDS", 0.01)
    monkeypatch.setattr(tumblebug_call, "LONGEST_LOOK_SECONDS", 0.01)
    server = TumblebugServer(url=stub.url, user=USER, password=PASSWORD)

    def run_it(*, timeout: float = 20, answer: Any = None, **fields: Any) -> Run:
        known = {name: fields.pop(name) for name in list(fields) if hasattr(server, name)}
        settings.JOBDECK = {**django_settings.JOBDECK, "TUMBLEBUG": replace(server, **known)}
        context = make_context(tmp_path, "test-tumblebug", timeout=timedelta(seconds=timeout))
        return run(context, "registerCspResources", {"ns_id": "default", **fields}, answer)

    return run_it


def test_s0_91_one_connection_is_registered_with_all_that_the_job_says(
    register: Register, stub: Stub
) -> None:
    """S0-49, S0-96."""
    found = register(
        connection_name=ONE,
        mci_name_prefix="aws-kr",
        option=" vNet, securityGroup ",
        mci_flag="n",
        credential_holder="admin",
    )

    assert found.outcome == (SUCCEEDED, "Successfully registered 5 resources")
    (call,) = stub.calls
    assert call.query == {"option": "vNet,securityGroup", "mciFlag": "n", "infraFlag": "n"}
    assert call.body == {
        "nsId": "default",
        "connectionName": ONE,
        "mciNamePrefix": "aws-kr",
        "infraNamePrefix": "aws-kr",
    }
    assert (call.holder, call.request_id[:12]) == ("admin", "jobdeck-7-1-")
    assert found.result.result["connections"] == [
        {"name": ONE, "registered": 5, "failed": 0, "seconds": 3, "message": ""}
    ]


def test_s0_93_all_connections_are_one_call_whose_results_are_added_up(
    register: Register, stub: Stub
) -> None:
    """S0-92."""
    found = register()

    assert found.outcome == (SUCCEEDED, "Successfully registered 75 resources")
    (call,) = stub.calls
    assert (call.body["connectionName"], call.query["mciFlag"]) == ("", "y")
    assert "option" not in call.query
    result = found.result.result
    assert (result["registered"], result["failed"]) == (75, 0)
    assert result["resources"]["vm"] == 20
    assert [row["registered"] for row in result["connections"]] == [15] * 5
    assert f"{ONE:<19}          15       0        3" in found.text()


@pytest.mark.parametrize("vocabulary", list(Vocabulary))
def test_s0_94_both_vocabularies_are_spoken(
    register: Register, stub: Stub, vocabulary: str
) -> None:
    stub.infra = vocabulary != Vocabulary.MCI

    found = register(option="vm,vNet,sshKey,securityGroup", vocabulary=Vocabulary(vocabulary))

    assert found.outcome == (SUCCEEDED, "Successfully registered 50 resources")
    assert found.result.result["resources"]["vm"] == 20
    tried = [call.query["option"].partition(",")[0] for call in stub.calls]
    assert tried == {"auto": ["vm", "node"], "mci": ["vm"], "infra": ["node"]}[vocabulary]
    last = stub.calls[-1]
    assert ("mciFlag" in last.query, "infraFlag" in last.query) == {
        "auto": (True, True),
        "mci": (True, False),
        "infra": (False, True),
    }[vocabulary]


def test_s0_98_a_connection_that_does_not_exist_fails_before_the_call(
    register: Register, stub: Stub
) -> None:
    found = register(connection_name="aws-invalid")

    assert found.outcome == (
        FAILED,
        "failed to connect to CSP: connection 'aws-invalid' not found",
    )
    assert stub.calls == []
    assert ONE in found.text()


@pytest.mark.parametrize(
    ("status", "message", "sentence", "least"),
    [
        (500, "x UnauthorizedOperation: you", "CSP API error: UnauthorizedOperation. Verify", None),
        (500, "RequestLimitExceeded", "CSP API error: RequestLimitExceeded. Raise the int", 1800),
        (500, "Throttling: Rate exceeded", "CSP API error: Throttling. Raise the interval", 1800),
        (429, "", "CB-Tumblebug answered 429 Too Many Requests. Raise the interval to at", 1800),
        (401, "Unauthorized", "CB-Tumblebug refused the credentials (401 Unauthorized). Ch", None),
        (500, "boom\nbang", "CB-Tumblebug answered 500 Internal Server Error: boom bang", None),
    ],
)
def test_s0_99_to_102_errors_are_told_with_what_helps(
    register: Register, stub: Stub, status: int, message: str, sentence: str, least: int | None
) -> None:
    stub.fail = status, message

    found = register()

    assert found.result.state is FAILED
    assert found.result.message.startswith(sentence)
    advice = least and {"advice": {"action": "raise_interval", "least_seconds": least}}
    assert found.result.result == advice


def test_s0_102_one_connection_is_advised_ten_minutes(register: Register, stub: Stub) -> None:
    stub.fail = 500, "RequestLimitExceeded"

    found = register(connection_name=ONE)

    assert "Raise the interval to at least 10 minutes, or give" in found.result.message


def test_decision_8_what_failed_in_part_is_a_warning_unless_the_job_says_otherwise(
    register: Register, stub: Stub
) -> None:
    stub.partly = 2
    stub.fail_in = {"aws-us-east-1": "UnauthorizedOperation"}

    warned = register()
    failed = register(partial="fail")

    sentence = "Successfully registered 60 resources, 10 failed, 1 of 5 connections report errors"
    assert warned.outcome == (SUCCEEDED, sentence)
    assert "aws-us-east-1: UnauthorizedOperation" in warned.result.result["warnings"]
    assert warned.result.warning_count == 11
    assert failed.result.state is FAILED
    assert failed.result.message.startswith("CSP API error: UnauthorizedOperation")
    assert failed.result.result["registered"] == 60


def test_decision_8_nothing_registered_is_a_failure(register: Register, stub: Stub) -> None:
    stub.fail_in = {ONE: "the region is asleep"}

    found = register(connection_name=ONE)

    assert found.outcome == (
        FAILED,
        f"0 resources registered, 0 failed: {ONE}: the region is asleep",
    )


def test_a_result_that_got_lost_is_missed(register: Register, stub: Stub) -> None:
    stub.lose_entry = True

    found = register()

    assert found.outcome == (SUCCEEDED, "Successfully registered 75 resources")
    assert found.result.warnings == ("The results of 1 connections are missing",)


def test_a_call_that_lost_its_connection_is_followed_by_its_id(
    register: Register, stub: Stub
) -> None:
    stub.drop, stub.handling = 1, 2

    found = register()

    assert found.outcome == (SUCCEEDED, "Successfully registered 75 resources")
    assert (len(stub.calls), stub.looked_at) == (1, 3)


def test_a_silent_call_is_followed_by_its_id(register: Register, stub: Stub) -> None:
    stub.stall = True

    found = register(read_timeout=timedelta(seconds=0.1))

    assert found.result.state is FAILED
    assert "no answer within 0.1 s; and it does not know the request" in found.result.message


def test_a_followed_call_that_failed_says_why(register: Register, stub: Stub) -> None:
    stub.drop, stub.ends_badly = 1, "RequestLimitExceeded"

    found = register(connection_name=ONE)

    assert found.result.message.startswith("CSP API error: RequestLimitExceeded")


def test_s0_105_a_timeout_says_its_limit_and_hangs_up(register: Register, stub: Stub) -> None:
    stub.stall = True

    found = register(timeout=0.3)

    assert found.outcome == (
        ExecutionState.TIMED_OUT,
        "execution timeout exceeded (0.3 seconds)",
    )
    assert stub.hung_up.wait(5)


def test_s0_73_a_cancel_hangs_up(
    register: Register, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_supervision, "BEAT_SECONDS", 0.1)
    stub.stall = True

    found = register(answer=lambda _: BeatAnswer(cancelled_by="otto"))

    assert found.outcome == (ExecutionState.CANCELLED, "Cancelled by otto")
    assert stub.hung_up.wait(5)
    assert stub.looked_at == 0


def test_wrong_credentials_are_named_without_their_value(register: Register, stub: Stub) -> None:
    found = register(connection_name=ONE, password="not-the-password")

    assert found.result.message.startswith("CB-Tumblebug refused the credentials (401")
    assert "not-the-password" not in found.text() + repr(found.result)


def test_s0_97_a_token_is_taken_in_place_of_a_password_and_never_shown(
    register: Register, stub: Stub
) -> None:
    good = register(connection_name=ONE, user="", password="", token=TOKEN)
    bad = register(connection_name=ONE, user="", password="", token="not-the-token")

    assert good.result.state is SUCCEEDED
    sent = {one.headers.get("authorization") for one in stub.exchanges}
    assert sent == {f"Bearer {TOKEN}", "Bearer not-the-token"}
    assert bad.result.message.startswith("CB-Tumblebug refused the credentials (401")
    assert "-token" not in good.text() + bad.text() + repr((good.result, bad.result))


def test_s0_97_tls_is_verified_by_the_system_or_a_file_or_not_at_all(
    register: Register, tmp_path: Path
) -> None:
    certificate, context = self_signed(tmp_path)
    with tumblebug(tls=context) as stub:
        url = stub.url.replace("http://127.0.0.1", "https://localhost")
        refused = register(url=url)
        by_file = register(url=url, ca_file=certificate)
        unchecked = register(url=url, verify_tls=False)

    sentence = f"No connection to localhost:{stub.port}: the certificate is not valid: self-signed"
    assert refused.outcome == (FAILED, f"{sentence} certificate")
    assert by_file.result.state is unchecked.result.state is SUCCEEDED
    assert len(stub.calls) == 2


def self_signed(directory: Path) -> tuple[str, ssl.SSLContext]:
    """Make a certificate for localhost; return its file and a server's context with it."""
    key, certificate = directory / "key.pem", directory / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
         "-days", "2", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return str(certificate), context


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"url": "tumblebug:1323"}, "TUMBLEBUG_URL is no usable address"),
        ({"url": "http://me:hush@tb/tumblebug"}, "TUMBLEBUG_URL is no usable address"),
        ({"url": "http://localhost:8000/tumblebug"}, "TUMBLEBUG_URL names port 8000 of this host"),
        ({"url": "http://tb", "vocabulary": "vm"}, "TUMBLEBUG_VOCABULARY=vm is not known"),
        ({"url": "http://tb", "token": "t", "user": "u"}, "Set either TUMBLEBUG_TOKEN or"),
    ],
)
def test_s0_97_a_server_that_cannot_be_meant_is_refused_at_the_start(
    fields: dict[str, str], sentence: str
) -> None:
    given = {"vocabulary": "auto", "token": "", "user": "", **fields}

    with pytest.raises(ImproperlyConfigured) as refusal:
        tumblebug_server(own_ports=[8000], read_seconds=1800, **given)

    assert str(refusal.value).startswith(sentence)
    assert "hush" not in str(refusal.value)


def test_s0_98_a_list_that_cannot_be_had_does_not_keep_from_the_call(
    register: Register, stub: Stub
) -> None:
    stub.fail_list = 500

    found = register(connection_name=ONE)

    assert found.result.state is SUCCEEDED
    assert "the connections could not be looked up: 500" in found.text()


def test_s0_100_a_limit_that_meets_the_look_up_ends_the_run_with_its_advice(
    register: Register, stub: Stub
) -> None:
    stub.fail_list = 429

    found = register(connection_name=ONE)

    assert "Raise the interval to at least 10 minutes, or give" in found.result.message
    assert found.result.result["advice"]["least_seconds"] == 600
    assert stub.calls == []


def test_a_server_that_is_away_is_a_sentence(register: Register) -> None:
    found = register(url="http://127.0.0.1:9/tumblebug")

    assert found.outcome == (FAILED, "No connection to 127.0.0.1:9: Connection refused")


def test_without_a_server_a_run_says_what_to_set(settings: Any, tmp_path: Path) -> None:
    settings.JOBDECK = {**django_settings.JOBDECK, "TUMBLEBUG": None}

    found = run(make_context(tmp_path, "none"), "registerCspResources", {"ns_id": "default"})

    assert found.outcome == (
        FAILED,
        "No CB-Tumblebug server is configured. Set TUMBLEBUG_URL and restart",
    )


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"option": "securityGroup"}, "Validation Failed: 'securityGroup' requires 'vNet'"),
        ({"option": "vNet,vm,sshKey"}, "Validation Failed: 'vm' requires 'securityGroup'"),
        ({"option": "dataDisk"}, "Validation Failed: 'dataDisk' requires 'vm'"),
        ({"option": "foo"}, "Validation Failed: unsupported option: 'foo'. Use vNet, secur"),
        ({"region": "us-east-1"}, "region requires provider"),
        ({"mci_flag": "maybe"}, "mci_flag: Input should be 'y' or 'n', not 'maybe'"),
        ({"ns_id": " "}, "ns_id is required for registerCspResources jobs"),
    ],
)
def test_s0_23_what_cannot_be_registered_is_refused_when_it_is_saved(
    fields: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InvalidError) as refusal:
        parse_spec("registerCspResources", {"ns_id": "default", **fields})

    assert refusal.value.message.startswith(sentence)
