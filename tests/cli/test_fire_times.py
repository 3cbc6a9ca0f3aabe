"""`jobctl next EXPR`: any expression, without server, database or Django."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.cli.conftest import Jobctl


def test_fire_times_follow_the_dst_contract(jobctl: Jobctl) -> None:
    ended = jobctl(
        "next", "30 2 * * *", "--zone", "Europe/Paris", "--from", "2026-03-28T00:00:00Z",
        "--count", "3", "--json",
    )  # fmt: skip

    expected = ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]
    assert ended.json == {"items": expected}


def test_fire_times_are_printed_on_the_wall_clock_of_the_zone(jobctl: Jobctl) -> None:
    ended = jobctl(
        "next", "0 9 * * MON-FRI", "--zone", "Asia/Jakarta", "--from", "2026-01-02T09:00",
        "--count", "2",
    )  # fmt: skip

    # The moment without an offset is meant in the zone, and itself is not after itself.
    assert ended.lines == ["2026-01-05T09:00:00+07:00", "2026-01-06T09:00:00+07:00"]


@pytest.mark.parametrize(
    ("args", "first"),
    [
        (["0 0 13 * 5"], "2026-01-02T00:00:00Z"),
        (["0 0 13 * 5", "--day-match", "all"], "2026-02-13T00:00:00Z"),
        (["0 0 9 * * *", "--seconds-first"], "2026-01-01T09:00:00Z"),
        (["0 9 * * * 30"], "2026-01-01T09:00:30Z"),
        (["@monthly"], "2026-02-01T00:00:00Z"),
        (["0 0 29 2 *"], "2028-02-29T00:00:00Z"),
        (["0 12 * * 7"], "2026-01-04T12:00:00Z"),
    ],
)
def test_every_form_of_expression_works(jobctl: Jobctl, args: list[str], first: str) -> None:
    ended = jobctl("next", *args, "--from", "2026-01-01T00:00:00Z", "--count", "1", "--json")

    assert ended.json["items"] == [first]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["61 * * * *"], ("61", "0 to 59")),
        (["* * * *"], ("4 fields", "Use 5")),
        (["0 0 30 2 *"], ("never",)),
        (["*/0 * * * *"], ("0",)),
        (["*"], ("1 field", "Use 5")),
        (["x" * 300 + " *"], ("255",)),
        (["* * * * *", "--zone", "Europe/Pariss"], ("Europe/Pariss", "Europe/Paris")),
        (["* * * * *", "--zone", "../etc/passwd"], ("../etc/passwd",)),
        (["* * * * *", "--from", "yesterday"], ("yesterday", "ISO 8601")),
        (["* * * * *", "--from", "0001-01-01T00:00:00Z"], ("0001", "ISO 8601")),
    ],
)
def test_wrong_expressions_are_refused(
    jobctl: Jobctl, args: list[str], words: tuple[str, ...]
) -> None:
    ended = jobctl("next", *args)

    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("Error: ")
    assert all(word in ended.err for word in words), ended.err


def test_an_expression_needs_neither_django_nor_a_network_client() -> None:
    code = (
        "import sys; from jobs.cli.main import run_command; "
        "run_command(['next', '0 0 * * *', '--json']); "
        "print([name for name in ('django', 'httpx', 'pydantic') if name in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )

    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.long
def test_a_module_run_and_a_closed_pipe_are_no_error() -> None:
    command = f"{sys.executable} -m jobs.cli next '* * * * *' --count 200000 | head -1"

    done = subprocess.run(
        ["/bin/bash", "-o", "pipefail", "-c", command],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 1
