"""The client of the documentation against the running product; equal requests of one moment."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

import pytest

from tests.e2e.harness import ROOT, Product, wait_until

CLIENT = ROOT / "docs/client.py"
MAKE_TOKEN = (
    "from django.contrib.auth.models import User; from jobs.services import tokens; "
    "user = User.objects.create_superuser('ada'); print(tokens.create(user, 'client')[1])"
)


@pytest.fixture(scope="module")
def client() -> ModuleType:
    """Return the module as somebody who has copied it."""
    spec = importlib.util.spec_from_file_location("jobdeck_client", CLIENT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Return the address of a running product, and an administrator's token."""
    product = Product(tmp_path_factory.mktemp("product"), WORKERS="1")
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "shell", "-v0", "-c", MAKE_TOKEN],
        env=product.environment,
        check=True,
        capture_output=True,
        text=True,
    )
    token = done.stdout.strip()
    product.start()
    url = f"http://127.0.0.1:{product.port}"
    wait_until(lambda: answers(url), what="the web server answers")
    yield url, token
    product.close()


def answers(url: str) -> bool:
    """Say whether the server is up."""
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_the_client_has_no_more_than_150_lines() -> None:
    assert len(CLIENT.read_text().splitlines()) <= 150


def test_the_client_does_what_its_docstrings_say(client: ModuleType, site: tuple[str, str]) -> None:
    deck = client.Jobdeck(*site)
    job = deck.create({"name": "hello", "type": "command", "spec": {"command": "echo hi; exit 3"}})

    run = deck.run(job["id"], wait=30)
    changed = deck.change(deck.job(job["id"]), {"description": "mine"})
    with pytest.raises(client.ProblemError) as stale:
        deck.change(job, {"description": "late"})

    assert (run["state"], run["exit_code"]) == ("failed", 3)
    assert "hi" in deck.log(run["id"])
    assert changed["version"] == 2
    assert (stale.value.status, stale.value.code) == (409, "stale")
    assert stale.value.diff[0]["now"] == "mine"
    assert deck.pause(job["id"], "why")["state"] == "paused"
    assert deck.resume(job["id"])["state"] == "active"
    assert [one["id"] for one in deck.jobs(search="hello", limit=1)] == [job["id"]]
    assert [one["id"] for one in deck.executions(job_id=job["id"], limit=1)] == [run["id"]]
    deck.delete(job["id"])
    with pytest.raises(client.ProblemError, match="404 not_found"):
        deck.job(job["id"])


def test_fifty_equal_requests_at_once_make_one_job(site: tuple[str, str]) -> None:
    url, token = site
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "one"}
    body = json.dumps({"name": "once", "type": "command", "spec": {"command": "true"}}).encode()

    def send(_number: int) -> tuple[int, Any]:
        request = urllib.request.Request(f"{url}/api/v1/jobs", body, headers, method="POST")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)["id"]

    with ThreadPoolExecutor(25) as pool:
        made = set(pool.map(send, range(50)))

    assert len(made) == 1
    assert next(iter(made))[0] == 201
