"""A history to measure with: one that is there already, or a new one in a private directory."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.product import discard, free_port, prepare


def arguments() -> argparse.ArgumentParser:
    """Return what every measurement of a history takes."""
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--data", type=Path, help="a data directory with a history; else one is made and removed"
    )
    parser.add_argument("--jobs", type=int, default=10_000, help="of a history that is made")
    parser.add_argument("--executions", type=int, default=1_000_000, help="likewise")
    return parser


@contextmanager
def history(chosen: argparse.Namespace) -> Iterator[Path]:
    """Open the history, for this process and those that it starts; remove it if it was made here."""
    if chosen.data:
        os.environ["PORT"] = str(free_port())
        use(chosen.data)
        yield chosen.data
        return
    data = prepare()
    try:
        from django.core.management import call_command

        call_command("make_history", jobs=chosen.jobs, executions=chosen.executions)
        yield data
    finally:
        discard(data)


def use(data: Path) -> None:
    """Let Django use a data directory (and the database of ``DATABASE_URL``, where it is set)."""
    os.environ["JOBDECK_DATA"] = str(data.resolve())
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    os.environ["DJANGO_SETTINGS_MODULE"] = "scheduler_site.settings"
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
