"""Whatever a job or an executor says about its end, the verdict is stored."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from jobs.domain.states import ExecutionState
from jobs.engine import runner
from jobs.executors.base import ExecutionResult
from tests.engine.test_reports import log_of, run

pytestmark = pytest.mark.django_db(transaction=True)


class Odd:
    """An executor, as a plugin may be, whose server answers what no database takes."""

    def execute(self, *_: Any) -> ExecutionResult:
        now = datetime.now(UTC)
        return ExecutionResult(
            state=ExecutionState.FAILED,
            started_at=now,
            finished_at=now,
            message="a\0b\ud800",
            error="c\0d\ud800",
            result={"key\0": ["\ud800", float("nan"), {1, 2}, "é", 7], "deep": nested(400)},
            metrics={"rows": 7, "ratio\0": float("inf")},
            warnings=("w\0\ud800",),
            warning_count=1,
        )


def nested(depth: int) -> list[Any]:
    """Return lists within each other."""
    found: list[Any] = []
    for _ in range(depth):
        found = [found]
    return found


def test_what_no_database_takes_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "executor_for", lambda _kind: Odd())

    execution = run()

    assert (execution.state, execution.message, execution.error) == ("failed", "a�b?", "c�d?")
    assert execution.warnings == {"count": 1, "lines": ["w�?"]}
    assert execution.metrics == {"rows": 7}
    assert isinstance(execution.result, dict)
    first, number, *rest = execution.result["key�"]
    assert (first, number, rest[1:]) == ("?", "nan", ["é", 7])
    assert str(execution.result["deep"]).count("[") < 102


def test_a_result_nested_too_deeply_is_refused_and_the_run_counts() -> None:
    deep = "[" * 600 + "]" * 600
    execution = run(
        {"key": "correct horse"},
        parameters=[{"name": "key", "secret": True}],
        spec={"command": f"echo '::result {deep}'; echo '::result-2'; echo done"},
    )

    assert execution.state == "succeeded"
    assert execution.result is None
    assert "nested" in log_of(execution)


@pytest.mark.parametrize("word", ["progress", "metric rows=", "result"])
def test_a_line_that_is_not_understood_tells_no_part_of_a_secret(word: str) -> None:
    secret = "x'\\y" + "0123456789" * 12

    execution = run(
        {"key": secret},
        parameters=[{"name": "key", "secret": True}],
        spec={"command": f'echo "::{word} $PARAM_KEY"; echo "::{word}$PARAM_KEY"'},
    )

    assert execution.state == "succeeded"
    assert "ignored" in log_of(execution)
    assert "0123" not in log_of(execution)
