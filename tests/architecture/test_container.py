"""The image and the compose files name what is there, keep no secret, and bear the name one gives."""

from __future__ import annotations

import os
import re
import runpy
import signal
import subprocess
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml
from django.core.management import get_commands

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text().replace("\\\n", "")
SETTINGS = (ROOT / "docs/reference/settings.md").read_text()
GUIDE = (ROOT / "docs/deployment.md").read_text()
OURS = ("jobdeck", "worker", "cb-tumblebug")
_REFERENCE = re.compile(r"\$\{(?P<name>\w+)(?:(?P<how>:[-?])(?P<word>[^}]*))?\}")
_SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|_KEY")
# What `serve` needs above DRAIN until it has ended, see deploy/Dockerfile.
_AFTER_DRAIN = 15


def raw(name: str) -> str:
    return (DEPLOY / name).read_text()


def compose(name: str, given: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return a compose file with its variables filled in, as an engine does; unset ones are empty."""

    def value(found: re.Match[str]) -> str:
        known = (given or {}).get(found["name"])
        assert known or found["how"] != ":?", f"{found['name']}: {found['word']}"
        return known or (found["word"] if found["how"] == ":-" else "")

    loaded: dict[str, Any] = yaml.safe_load(_REFERENCE.sub(value, raw(name)))
    return loaded


SECRETS = {"POSTGRES_PASSWORD": "p", "SECRET_KEY": "s", "JOBS_SECRET_KEYS": "k"}
FILES = ("compose.yaml", "compose.scale.yaml", "compose.tumblebug.yaml")


def test_the_container_bears_the_name_that_is_set() -> None:
    """S0-152: names of services, containers and volumes come from the shipped files, and can be set."""
    found = {
        (file, name or None): (list(of["services"]), own["container_name"], own["hostname"], volume)
        for file in ("compose.yaml", "compose.tumblebug.yaml")
        for name in ("", "cb-other")
        for of in [compose(file, {"JOBDECK_NAME": name})]
        for own in [of["services"][next(iter(of["services"]))]]
        for volume in [of["volumes"]["data"]["name"]]
    }

    assert found == {
        ("compose.yaml", None): (["jobdeck"], "jobdeck", "jobdeck", "jobdeck-data"),
        ("compose.yaml", "cb-other"): (["jobdeck"], "cb-other", "cb-other", "cb-other-data"),
        ("compose.tumblebug.yaml", None): (
            *(["cb-tumblebug"], "cb-tumblebug", "cb-tumblebug", "cb-tumblebug-data"),
        ),
        ("compose.tumblebug.yaml", "cb-other"): (
            *(["cb-tumblebug"], "cb-other", "cb-other", "cb-other-data"),
        ),
    }
    extended = compose("compose.tumblebug.yaml")["services"]["cb-tumblebug"]["extends"]
    assert extended["service"] in compose(extended["file"])["services"]


@pytest.mark.parametrize("file", FILES)
def test_a_compose_file_names_documented_settings_and_no_secret(file: str) -> None:
    parsed, bare = compose(file, SECRETS), yaml.safe_load(raw(file))
    known = set(re.findall(r"`([A-Z][A-Z0-9_]+)`", SETTINGS))

    for name, service in parsed["services"].items():
        named = service.get("environment", {})
        assert name not in OURS or set(named) <= known, set(named) - known
        for one, value in bare["services"][name].get("environment", {}).items():
            if _SECRET.search(one):
                assert value is None or re.fullmatch(r"\$\{\w+:\?[^}]+\}", value), one
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), port
        assert (
            service.get("restart") == "unless-stopped"
            or "depends_on" in service
            or "extends" in service
        )
        volumes = {one.split(":")[0] for one in service.get("volumes", [])}
        assert volumes <= set(parsed["volumes"])
    for found in _REFERENCE.finditer(raw(file)):
        assert f"`{found['name']}`" in GUIDE, found["name"]
    if file == "compose.scale.yaml":
        with pytest.raises(AssertionError, match=r"set it in deploy/\.env"):
            compose(file)


def test_a_container_gets_the_time_that_running_jobs_may_take() -> None:
    drain = re.search(r"^\| `DRAIN` \| `(\d+)s`", SETTINGS, re.MULTILINE)
    assert drain

    for file, service in (("compose.yaml", "jobdeck"), ("compose.scale.yaml", "worker")):
        grace = compose(file, SECRETS)["services"][service]["stop_grace_period"]
        assert int(grace.removesuffix("s")) >= int(drain[1]) + _AFTER_DRAIN
    assert "STOPSIGNAL SIGTERM" in DOCKERFILE


def test_the_image_is_made_of_what_is_there() -> None:
    built = compose("compose.yaml")["services"]["jobdeck"]["build"]
    assert (DEPLOY / built["context"] / built["dockerfile"]).resolve() == DEPLOY / "Dockerfile"

    stages = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    words = {
        word: re.findall(rf"^{word} (.+)", DOCKERFILE, re.MULTILINE)
        for word in ("USER", "COPY", "ARG", "HEALTHCHECK", "ENTRYPOINT", "CMD")
    }
    assert set(stages) == {"${BASE}"}
    assert words["USER"] == ["jobdeck"], "not the superuser"
    for source in (copy.split()[0] for copy in words["COPY"] if "--from" not in copy):
        assert (ROOT / source).exists(), source
    given = dict(one.split("=", 1) for one in words["ARG"])
    for name in re.findall(r"-r (requirements/\S+\.txt)", DOCKERFILE):
        file = ROOT / name.replace("${REQUIREMENTS}", given["REQUIREMENTS"])
        assert "--hash=sha256:" in file.read_text()
    assert DOCKERFILE.count("pip install") == DOCKERFILE.count("--require-hashes") + 1, (
        "the last: itself"
    )
    for path in re.findall(r"/opt/jobdeck/(deploy/\S+?)\"", DOCKERFILE):
        assert (ROOT / path).is_file(), path
    assert os.access(DEPLOY / "container.sh", os.X_OK)

    # What the image needs is let through to the build, and nothing that is only this machine's.
    ignored = (ROOT / ".dockerignore").read_text().split("\n")
    let_through = {one[1:] for one in ignored if one.startswith("!")}
    assert "*" in ignored
    assert all((ROOT / one).exists() for one in let_through)
    assert {"jobs", "scheduler_site", "templates", "static", "docs", "requirements"} <= let_through
    assert {"manage.py", "pyproject.toml", "deploy", "README.md", "LICENSE"} <= let_through
    assert "deploy/.env" in ignored
    assert "deploy/.env" in (ROOT / ".gitignore").read_text().split("\n")


def test_the_container_brings_tables_up_to_date_and_a_worker_is_named_like_its_container(
    tmp_path: Path,
) -> None:
    for name, text in (("python", 'echo "$@"'), ("hostname", "echo box-7")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)

    def ran(*words: str) -> list[str]:
        done = subprocess.run(
            [DEPLOY / "container.sh", *words],
            env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        return [line.removeprefix("manage.py ") for line in done.stdout.splitlines()]

    assert ran("serve", "--web") == ["setup", "serve --web"]
    assert ran("worker", "--queues", "a,b") == ["serve --cluster box-7 --queues a,b"]
    assert ran("prune", "--days", "9") == ["prune --days 9"]
    assert {"serve", "setup", "prune"} <= set(get_commands())


def test_a_container_that_is_stopped_while_it_sets_up_ends_the_set_up_and_itself(
    tmp_path: Path,
) -> None:
    (tmp_path / "python").write_text(
        "#!/bin/sh\ntrap 'echo ended; exit 1' TERM\necho ready\nwhile :; do sleep 0.05; done\n"
    )
    (tmp_path / "python").chmod(0o755)
    container = subprocess.Popen(
        [DEPLOY / "container.sh", "serve"],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert container.stdout is not None
    assert container.stdout.readline() == "ready\n"

    container.terminate()

    assert container.communicate(timeout=30)[0] == "ended\n"
    assert container.returncode == 128 + signal.SIGTERM


class _Server(BaseHTTPRequestHandler):
    """Take one name, as Django does, and only what a trusted proxy says came by HTTPS."""

    def do_GET(self) -> None:
        right = (
            self.path == "/healthz"
            and self.headers["Host"] == "jobs.example.com"
            and self.headers["X-Forwarded-Proto"] == "https"
        )
        self.send_response(200 if right else 400)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def test_the_health_check_calls_the_server_by_a_name_that_it_takes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ask = runpy.run_path(str(DEPLOY / "healthy.py"))["main"]
    server = HTTPServer(("127.0.0.1", 0), _Server)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    monkeypatch.setenv("HOST", "0.0.0.0")
    monkeypatch.setenv("PORT", str(server.server_port))

    monkeypatch.setenv("ALLOWED_HOSTS", ".jobs.example.com, other.example.com")
    assert ask() == 0
    monkeypatch.setenv("ALLOWED_HOSTS", "*")
    assert ask() == 1
    server.shutdown()
    server.server_close()
    assert ask() == 1
    assert capsys.readouterr().out.startswith(
        "/healthz answers 200\n/healthz answers 400\nNo answer:"
    )
