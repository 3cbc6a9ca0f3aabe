"""The stub of CB-Tumblebug and the requests of jobs against the operations of its OpenAPI file."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings

from jobs.domain.tumblebug import RESOURCES, TumblebugServer, Vocabulary
from jobs.executors import tumblebug_call
from jobs.executors.tumblebug_client import BrokenError, Client, line_to
from jobs.services import tumblebug_server
from tests.executors.worker import make_context, run
from tests.support.tumblebug_contract import VOCABULARIES, Exchange, against, operations
from tests.tumblebug_stub import PASSWORD, USER, Stub, tumblebug

ONE = "aws-ap-northeast-2"
# What the stub plays; the rest is the scheduler, which Jobdeck itself is.
PLAYED = {name for name in operations() if "/schedule" not in name}


def register(stub: Stub, settings: Any, directory: Path, **spec: Any) -> None:
    """Run a job in this process."""
    server = TumblebugServer(
        url=stub.url,
        user=USER,
        password=PASSWORD,
        credential_holder="admin",
        vocabulary=Vocabulary(spec.pop("vocabulary", "auto")),
        read_timeout=timedelta(seconds=5),
    )
    settings.JOBDECK = {**django_settings.JOBDECK, "TUMBLEBUG": server}
    context = make_context(directory, "test-contract", timeout=timedelta(seconds=20))
    run(context, "registerCspResources", {"ns_id": "default", **spec})


@pytest.mark.parametrize("words", VOCABULARIES)
def test_a_job_asks_only_what_the_real_server_declares_in_its_own_words(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    monkeypatch.setattr(tumblebug_call, "FIRST_LOOK_SECONDS", 0.01)
    everything = {"option": ",".join(RESOURCES), "mci_flag": "n", "mci_name_prefix": "aws-kr-prod"}
    with tumblebug(infra=words == "infra") as stub:
        register(stub, settings, tmp_path, vocabulary=words, connection_name=ONE, **everything)
        register(stub, settings, tmp_path, vocabulary=words)
        place = {"provider": "aws", "region": "us-east-1", "zone": "us-east-1a"}
        register(stub, settings, tmp_path, vocabulary=words, **place)
        stub.drop = stub.handling = 1
        register(stub, settings, tmp_path, vocabulary=words)

    assert stub.against_the_contract(words) == []
    sent = [one for one in stub.exchanges if one.method == "POST"]
    assert [one.status for one in sent] == [200, 200, 200, None]
    assert sent[2].body["provider"] == "aws"
    assert [one.status for one in stub.exchanges if one.path.startswith("/request/")] == [200, 200]
    (other,) = set(VOCABULARIES) - {words}
    assert stub.against_the_contract(other), "the words of one vocabulary are not the other's"


@pytest.mark.parametrize("words", VOCABULARIES)
def test_the_stub_answers_only_what_the_real_server_declares(settings: Any, words: str) -> None:
    machine = {"mci": "vm", "infra": "node"}[words]
    with tumblebug(infra=words == "infra") as stub:
        ask = caller(stub)
        for fault in (None, (400, "bad"), (404, "none"), (429, "slowly"), (500, "boom")):
            stub.fail = fault
            ask("POST", option=machine)
        stub.fail, stub.partly, stub.lose_entry = None, 2, True
        stub.fail_in = {ONE: "UnauthorizedOperation"}
        ask("POST")
        ask("POST", {"connectionName": ONE})
        ask("POST", option={"vm": "node", "node": "vm"}[machine])
        stub.handling = 1
        for ends_badly in ("", "RequestLimitExceeded"):
            stub.drop, stub.ends_badly = 1, ends_badly
            ask("POST", name=f"dropped{ends_badly}")
        paths = ("/readyz", "/connConfig", "/config", "/request/none")
        for path in (
            *paths,
            "/request/dropped",
            "/request/dropped",
            "/request/droppedRequestLimit",
        ):
            ask("GET", path=path)
        ask("GET", path="/config", password="wrong")

        settings.JOBDECK = {
            **django_settings.JOBDECK,
            "TUMBLEBUG": TumblebugServer(url=stub.url, user=USER, password=PASSWORD),
        }
        assert len(tumblebug_server.connections()) == 5
        assert len(tumblebug_server.settings()) == 2

    # In both vocabularies, as one request spoke the other one's on purpose.
    assert stub.against_the_contract() == []
    asked = {one.path.partition("/request/")[0] or "/request/{reqId}" for one in stub.exchanges}
    assert asked == {name.partition(" ")[2] for name in PLAYED}
    assert {one.status for one in stub.exchanges} == {None, 200, 400, 401, 404, 429, 500}


def caller(stub: Stub) -> Callable[..., None]:
    """Return a function that makes one request, in the server's own words."""
    server = TumblebugServer(url=stub.url, user=USER, password=PASSWORD)

    def ask(
        method: str,
        body: dict[str, str] | None = None,
        *,
        path: str = "/registerCspResources",
        option: str = "",
        name: str = "",
        password: str = PASSWORD,
    ) -> None:
        known = replace(server, password=password)
        line = line_to(known)
        client = Client(known, line)
        headers = {"x-request-id": name} if name else {}
        query = {f"{stub.words}Flag": "y"} | ({"option": option} if option else {})
        try:
            if method == "GET":
                client.get(path, read_seconds=5)
            else:
                client.post(path, query=query, body=body or {}, headers=headers, read_seconds=5)
        except BrokenError:
            assert name
        finally:
            line.close()

    return ask


GOOD = Exchange(
    method="POST",
    path="/registerCspResources",
    query={"option": "vNet,vm", "mciFlag": "y"},
    headers={"content-type": "application/json", "x-request-id": "1"},
    body={"nsId": "default", "mciNamePrefix": "mci"},
    status=200,
    document={"connectionName": ONE, "registerationOverview": {"vm": 1}},
)


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ({}, None),
        ({"path": "/registerCspResource"}, "no such operation"),
        ({"query": {"mci_flag": "y"}}, "query mci_flag is unknown"),
        ({"query": {"option": "vNet,VM"}}, "query option: 'VM' is not allowed"),
        ({"headers": {}}, "the body is not called JSON"),
        ({"headers": {**GOOD.headers, "x-other": "1"}}, "header x-other is unknown"),
        ({"body": None}, "body is no RegisterRequest"),
        ({"body": {"nsId": 1}}, "body.nsId is no string"),
        ({"body": {"infraNamePrefix": "x"}}, "body.infraNamePrefix is unknown"),
        ({"status": 418}, "status 418 is not declared"),
        ({"status": 500, "document": {"error": "x"}}, "answer.error is unknown"),
        (
            {"document": {"registerationOverview": {"node": 1}}},
            "answer.registerationOverview.node is unknown",
        ),
        (
            {"document": {"registerationResult": [{"elapsedTime": True}]}},
            "answer.registerationResult[].elapsedTime is no integer",
        ),
        ({"method": "GET", "path": "/config", "query": {}}, "it has no body"),
    ],
)
def test_the_check_finds_what_is_against_the_contract(
    change: dict[str, Any], finding: str | None
) -> None:
    found = against(replace(GOOD, **change), spoken=["mci"], server="mci")

    assert (json.dumps(found) == "[]") is (finding is None)
    assert finding is None or any(one.endswith(finding) for one in found), found
