"""What is registered: classes, functions, lists; what is refused, and that others stay."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from jobs import checks
from jobs.domain.errors import InvalidError
from jobs.executors.management import REFUSED
from jobs.registry import BaseScheduledJob, Cancelled, JobContext, Registry, scheduled_job

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "python.md"


WORKS = """
from jobs.registry import scheduled_job

@scheduled_job(manual=True)
def works():
    "Work."
"""


def job_class(**said: Any) -> type[BaseScheduledJob]:
    """Return a job class with these attributes; None leaves one out."""
    facts = {"job_id": "report", "description": "A report", "cron": "0 9 * * *", **said}
    kept = {name: value for name, value in facts.items() if value is not None}
    return type("Report", (BaseScheduledJob,), {"execute": lambda self: None, **kept})


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ({"job_id": None}, "job_id None is not allowed"),
        ({"job_id": "with blanks"}, "job_id 'with blanks' is not allowed"),
        ({"job_id": 5}, "job_id 5 is not allowed"),
        ({"description": None}, "report lacks a description."),
        ({"description": "  "}, "report lacks a description."),
        ({"cron": None}, "exactly one of cron, interval_seconds or manual = True, not 0 of them"),
        ({"interval_seconds": 5}, "manual = True, not 2 of them"),
        ({"manual": True}, "manual = True, not 2 of them"),
        ({"cron": "99 * * * *"}, "99"),
        ({"timezone": "Mars/Base"}, "Mars/Base"),
        ({"cron": None, "interval_seconds": 0}, "interval_seconds 0 of report is not from 1 to"),
        ({"cron": None, "interval_seconds": "x"}, "interval_seconds of report is 'x'"),
        ({"max_retries": -1}, "max_retries -1 of report is not a number from 0 to 99"),
        ({"max_retries": True}, "max_retries True of report"),
        ({"max_retries": 100}, "max_retries 100 of report"),
        ({"retry_delay_seconds": -1}, "retry_delay_seconds of report is -1"),
        ({"timeout": "soon"}, "soon"),
        ({"timeout": -5}, "timeout of report is -5"),
    ],
)
def test_a_class_that_makes_no_job_is_refused_by_name(said: dict[str, Any], fault: str) -> None:
    """S3-02, S3-03, S3-04: what is missing is named."""
    with pytest.raises(InvalidError) as caught:
        Registry().register(job_class(**said))

    assert caught.value.message.startswith("abc.Report: ")
    assert fault in caught.value.message


def test_the_defaults_are_those_of_the_seed() -> None:
    """S3-05, S3-06, S3-07: enabled, 3 retries, 60 seconds."""
    entry = Registry().register(job_class())

    assert entry.enabled is True
    assert entry.definition["retry"]["max_attempts"] == 4
    assert entry.definition["retry"]["base_seconds"] == 60


@pytest.mark.parametrize(("timeout", "seconds"), [(None, None), (0, None), (90, 90), ("5m", 300)])
def test_a_time_limit_is_given_in_any_form(timeout: Any, seconds: float | None) -> None:
    entry = Registry().register(job_class(timeout=timeout))

    assert entry.definition["timeout_seconds"] == seconds


def test_a_function_is_called_by_its_name_and_the_first_line_of_its_docstring() -> None:
    @scheduled_job(interval_seconds=60)
    def tidy() -> None:
        """Delete old files.

        And more.
        """

    entry = Registry().register(tidy)

    assert (entry.job_id, entry.definition["description"]) == ("tidy", "Delete old files.")
    assert tidy.__name__ == "tidy"  # still a function


def test_an_unknown_argument_of_the_decorator_is_refused() -> None:
    with pytest.raises(InvalidError, match=r"scheduled_job does not take crone\. Use atomic, "):
        scheduled_job(crone="* * * * *")


def test_the_same_id_twice_is_refused_with_both_places() -> None:
    """S3-02: job_id is unique."""
    registry = Registry()
    registry.register(job_class())
    other = type("Other", (BaseScheduledJob,), dict(vars(job_class())))

    module = ModuleType("shop.scheduled_jobs")
    vars(module)["Other"] = other
    registry.take_over(module)

    assert registry.faults == [
        "job_id 'report' of abc.Other is taken by abc.Report. Give one of them another job_id."
    ]
    assert registry.find("report").path == "abc.Report"


def test_a_list_says_what_to_register_and_may_hold_instances() -> None:
    """S2-25, S3-15: jobs_to_register."""

    class Sending(BaseScheduledJob):
        job_id = "sending"
        description = "Sends"
        manual = True

        def __init__(self, greeting: str) -> None:
            self.greeting = greeting

        def execute(self) -> str:
            return self.greeting

    module = ModuleType("shop.scheduled_jobs")
    vars(module).update(jobs_to_register=[Sending("hello")], Unlisted=job_class())
    registry = Registry()

    registry.take_over(module)

    assert [entry.job_id for entry in registry] == ["sending"]
    assert registry.find("sending").call(JobContext(), {}) == "hello"
    assert registry.faults == []


def test_an_instance_in_a_module_is_no_reason_to_fail() -> None:
    module = ModuleType("shop.scheduled_jobs")
    vars(module).update(jobs_to_register=["no job"])
    registry = Registry()

    registry.take_over(module)

    (fault,) = registry.faults
    assert fault.startswith("'no job' is no job.")


def test_a_broken_module_is_told_by_the_checks_and_leaves_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for app, code in (
        ("broken_app", "import no_such_module"),
        (
            "good_app",
            WORKS,
        ),
        ("plain_app", None),
    ):
        (tmp_path / app).mkdir()
        (tmp_path / app / "__init__.py").touch()
        if code is not None:
            (tmp_path / app / "scheduled_jobs.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    registry = Registry()
    monkeypatch.setattr(checks, "REGISTRY", registry)

    registry.discover(["broken_app", "plain_app", "good_app"])

    assert [entry.job_id for entry in registry] == ["works"]
    (message,) = checks.check_registered(None)
    assert message.id == "jobdeck.E005"
    assert message.msg == (
        "broken_app.scheduled_jobs could not be imported: ModuleNotFoundError: "
        "No module named 'no_such_module'"
    )
    for app in ("broken_app", "good_app", "plain_app"):
        sys.modules.pop(app, None)
        sys.modules.pop(f"{app}.scheduled_jobs", None)


def test_a_context_serves_a_test_of_a_job(capsys: pytest.CaptureFixture[str]) -> None:
    """S2-15: a job is tested without the engine."""
    context = JobContext()

    context.progress(140)
    context.metric("rows", 3)
    before = (context.cancelled, context.wait(0), context.time_left)
    context.cancel()

    assert capsys.readouterr().out == "::progress 100\n::metric rows=3\n"
    assert before == (False, False, None)
    assert context.wait(60)
    with pytest.raises(Cancelled):
        context.raise_if_cancelled()


def test_the_example_of_the_manual_registers() -> None:
    example = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)[0]
    module = ModuleType("shop.scheduled_jobs")
    exec(compile(example, "example", "exec"), vars(module))
    registry = Registry()

    registry.take_over(module)

    assert registry.faults == []
    assert [entry.job_id for entry in registry] == ["daily_report", "tidy"]
    registry.find("tidy").check_arguments({"days": 7})


def test_the_manual_names_every_refused_command() -> None:
    text = PAGE.read_text()

    assert [name for name in REFUSED if f"`{name}`" not in text] == []
