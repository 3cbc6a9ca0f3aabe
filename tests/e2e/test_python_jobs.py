"""Python jobs in the real product: found at start, run by its workers, kept from its secrets."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import REQUIRED
from tests.e2e.databases import postgres_database
from tests.e2e.harness import Product, wait_until

SECRET = "the-secret-key-of-this-very-test-and-no-other"


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
)
def product(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Product]:
    """Return a running product of a project with jobs of its own."""
    with own_database(str(request.param)) as settings:
        made = Product(
            tmp_path_factory.mktemp("python"),
            DJANGO_SETTINGS_MODULE="tests.sample_app.settings",
            SECRET_KEY=SECRET,
            **settings,
        )
        made.start()
        wait_until(lambda: job_id(made, "returns"), what="the jobs of the code")
        yield made
        made.close()


@contextmanager
def own_database(kind: str) -> Iterator[dict[str, str]]:
    """Yield the settings of an empty database."""
    if kind == "sqlite":
        yield {}
        return
    server = os.environ.get("TEST_POSTGRES_URL")
    if not server:
        (pytest.fail if REQUIRED else pytest.skip)("TEST_POSTGRES_URL is not set")
    with postgres_database(server) as url:
        yield {"DATABASE_URL": url}


def job_id(product: Product, name: str) -> int:
    """Return the id of a job; 0 when there is none."""
    rows = product.sql("SELECT id FROM jobs_job WHERE name = %s", name)
    return int(rows[0][0]) if rows else 0


def run(product: Product, job: str, **fields: Any) -> dict[str, Any]:
    """Run a job of one's own that calls registered code, and return its execution."""
    count = product.sql("SELECT count(*) FROM jobs_job")[0][0]
    spec = {"job": job, "kwargs": fields.pop("kwargs", {})}
    definition = {"name": f"own-{count}", "type": "python", "spec": spec, **fields}
    (made,) = product.ask("create_jobs", definitions=[definition])
    execution = product.trigger(made)
    product.end_of(execution)
    columns = "state, message, error, result, attempt, exit_code"
    (row,) = product.sql(f"SELECT {columns} FROM jobs_execution WHERE id = %s", execution)
    found = dict(zip(columns.split(", "), row, strict=True))
    return {**found, "result": decoded(found["result"])}


def decoded(value: Any) -> Any:
    """Return a JSON column's value, which SQLite gives as text."""
    return json.loads(value) if isinstance(value, str) else value


def groups(product: Product, like: str) -> list[str]:
    """Return the names that jobs have written to the database."""
    rows = product.sql("SELECT name FROM auth_group WHERE name LIKE %s ORDER BY name", like)
    return [name for (name,) in rows]


def test_the_jobs_of_an_installed_app_are_there_when_the_product_has_started(
    product: Product,
) -> None:
    """S3-15, S3-16: found without a change of the framework."""
    rows = product.sql(
        "SELECT j.name, j.state, s.expression, s.timezone FROM jobs_job j "
        "JOIN jobs_schedule s ON s.job_id = j.id WHERE j.created_by = %s ORDER BY j.name",
        "the project's code",
    )

    assert rows == [
        ["auto_create_daily_attendance", "active", "30 0 * * *", "Asia/Jakarta"],
        ["my_new_job", "active", "0 9 * * *", "UTC"],
    ]


def test_a_registered_job_runs_by_hand(product: Product) -> None:
    execution = product.trigger(job_id(product, "my_new_job"))

    assert product.end_of(execution) == "succeeded"
    ((message, result),) = product.sql(
        "SELECT message, result FROM jobs_execution WHERE id = %s", execution
    )
    assert (message, decoded(result)) == ("Job berhasil dijalankan", {"processed": 100})


@pytest.mark.parametrize(("end", "kept"), [("", True), ("raise", False), ("failed", False)])
def test_a_job_writes_all_or_nothing(product: Product, end: str, kept: bool) -> None:
    """S3-12: an exception rolls back."""
    reason = f"atomic-{end or 'ok'}"

    done = run(product, "writes_rows", kwargs={"reason": reason, "end": end})

    assert done["state"] == ("succeeded" if kept else "failed")
    assert groups(product, f"{reason}%") == [reason] * kept


def test_an_async_job_has_transactions_too(product: Product) -> None:
    """S3-08, S3-12: async with self.transaction()."""
    done = run(product, "writes_rows_async", kwargs={"reason": "loop"})

    assert (done["state"], done["message"]) == ("succeeded", "")
    assert groups(product, "loop%") == ["loop-kept"]


def test_nothing_of_the_servers_environment_and_files_reaches_a_job(product: Product) -> None:
    done = run(product, "looks_around")

    seen = done["result"]
    assert SECRET not in json.dumps(seen)
    assert "SECRET_KEY" not in seen["proc"]
    assert "JOBDECK_DATA" not in seen["proc"]
    assert "EXECUTION_ID=" in seen["proc"]
    outside = [h for h in seen["handles"] if not h.startswith(("pipe:", "/dev/null", "/proc/"))]
    assert outside == ["/memfd:report (deleted)"]


def test_failed_attempts_follow_the_policy_and_keep_the_trace(product: Product) -> None:
    """S3-65, S3-75, S3-79: each attempt is visible."""
    done = run(product, "raises", retry={"max_attempts": 3, "base_seconds": 0.2})

    assert (done["state"], done["attempt"]) == ("failed", 3)
    assert done["error"].endswith("ValueError: boom")


def test_jobs_beside_the_worker_never_harm_its_database(product: Product) -> None:
    definition = {
        "name": "writer",
        "type": "python",
        "spec": {"job": "writes_rows_async", "kwargs": {"reason": "many"}},
        "overlap": "allow",
        "max_parallel": 20,
    }
    (made,) = product.ask("create_jobs", definitions=[definition])

    executions = [product.trigger(made) for _ in range(12)]

    for execution in executions:
        assert product.end_of(execution) in {"succeeded", "failed"}  # the name is taken once
    assert groups(product, "many%") == ["many-kept"]
    if "DATABASE_URL" not in product.environment:
        assert product.sql("PRAGMA integrity_check") == [["ok"]]


def test_a_person_ends_a_job_which_tidies_up(product: Product, tmp_path: Path) -> None:
    """S2-13: a job sees that it is to end."""
    mark = tmp_path / "tidy"
    spec = {"job": "sleeps", "kwargs": {"tidy": str(mark)}}
    definition = {"name": "sleeper", "type": "python", "spec": spec}
    (made,) = product.ask("create_jobs", definitions=[definition])
    execution = product.trigger(made)
    wait_until(lambda: product.state(execution) == "running", what="its start")

    product.ask("cancel", execution_id=execution)

    assert product.end_of(execution) == "cancelled"
    assert mark.read_text() == "tidied up"
