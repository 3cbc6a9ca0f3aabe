"""Run the sample app's jobs as a worker does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from django.apps import apps
from django.conf import LazySettings
from django.core.management import get_commands

from jobs.executors import BeatAnswer
from jobs.registry import REGISTRY, Registry
from jobs.registry import store as registry_store
from tests.executors.worker import Recorder, Run, in_worker, make_context, run

Answer = Callable[[Recorder], BeatAnswer]


class RunPython(Protocol):
    """Run one registered job to its end and say what the runner saw."""

    def __call__(
        self,
        job: str,
        kwargs: dict[str, Any] | None = None,
        *,
        answer: Answer | None = None,
        **fields: Any,
    ) -> Run: ...


@pytest.fixture
def sample_jobs() -> Iterator[Registry]:
    """Register the sample app's jobs for a test."""
    before = dict(REGISTRY._entries)
    REGISTRY.discover(["tests.sample_app"])
    assert registry_store.REGISTRY is REGISTRY
    yield REGISTRY
    REGISTRY._entries.clear()
    REGISTRY._entries.update(before)
    REGISTRY.faults.clear()


@pytest.fixture
def run_python(tmp_path: Path, instance: str, sample_jobs: Registry) -> RunPython:
    """Return a function that runs a registered job in a forked worker."""

    def run_python(
        job: str,
        kwargs: dict[str, Any] | None = None,
        *,
        answer: Answer | None = None,
        **fields: Any,
    ) -> Run:
        context = make_context(tmp_path, instance, **fields)
        spec = {"job": job, "kwargs": kwargs or {}}
        outcome = in_worker(lambda: run(context, "python", spec, answer))
        assert isinstance(outcome, Run)
        return outcome

    return run_python


@pytest.fixture
def sample_commands(settings: LazySettings) -> Iterator[None]:
    """Install the sample app, whose command the tests run."""
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "tests.sample_app"]
    get_commands.cache_clear()  # type: ignore[attr-defined]  # the stubs do not know the cache
    assert apps.is_installed("tests.sample_app")
    yield
    get_commands.cache_clear()  # type: ignore[attr-defined]  # the stubs do not know the cache
