"""The jobs of the sample app: those of the seeds, and one for each thing a Python job may do."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import logging
import os
import subprocess
import sys
import time
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Dict  # noqa: UP035 - as the seed writes it

from django.contrib.auth.models import Group

from jobs.registry import BaseScheduledJob, JobContext, scheduled_job

logger = logging.getLogger(__name__)


class MyNewJob(BaseScheduledJob):
    """
    Deskripsi job dalam Bahasa Indonesia.
    """

    # REQUIRED: Unique identifier
    job_id = "my_new_job"

    # REQUIRED: Deskripsi job
    description = "Deskripsi singkat job ini"

    # SCHEDULE: Pilih salah satu (cron atau interval)
    cron = "0 9 * * *"  # Setiap hari jam 9 pagi
    # interval_seconds = 3600  # Atau setiap 1 jam  # noqa: ERA001

    # OPTIONAL: Configuration  # noqa: ERA001
    enabled = True
    max_retries = 3
    retry_delay_seconds = 60

    async def execute(self) -> Dict[str, Any]:  # noqa: UP006
        """
        Method utama yang akan dijalankan scheduler.
        """
        logger.info("Memulai MyNewJob...")

        try:
            # Business logic di sini
            async with self.transaction():
                pass

            return {
                "success": True,
                "message": "Job berhasil dijalankan",
                "data": {
                    "processed": 100,
                },
            }

        except Exception as e:
            logger.error(f"Error dalam MyNewJob: {e}")  # noqa: G004, TRY400
            raise


class AutoCreateDailyAttendanceJob(BaseScheduledJob):
    """Mark every employee absent until they clock in."""

    job_id = "auto_create_daily_attendance"
    description = "Auto-create attendance records for all active employees"
    cron = "30 0 * * *"
    timezone = "Asia/Jakarta"

    def execute(self, folder: str = "attendance", employees: int = 150) -> dict[str, Any]:
        """Create what is missing."""
        created = skipped = 0
        for number in range(employees):
            record = Path(folder, f"{date.today():%F}-{number}")  # noqa: DTZ011
            if record.exists():
                skipped += 1
                continue
            record.write_text("absent")
            created += 1
        logger.info("auto_create_daily_attendance: %d created", created)
        return {
            "success": True,
            "message": "Auto-create attendance selesai",
            "data": {"created": created, "skipped": skipped, "errors": 0},
        }


class Saying(BaseScheduledJob):
    """A base class of the project's own is no job."""

    abstract = True
    manual = True
    description = "Says something"


@scheduled_job(manual=True)
def returns(value: Any = None, kind: str = "") -> Any:
    """Return a value, or one that JSON has no word for."""
    special = {
        "date": {"day": date(2026, 3, 1), "sum": Decimal("1.50")},
        "object": object(),
        "nan": float("nan"),
        "large": "x" * 100_000,
        "error": ValueError("given back"),
    }
    return special.get(kind, value)


@scheduled_job(manual=True)
def raises(text: str = "boom") -> None:
    """Fail with an exception."""
    logger.info("about to fail")
    raise ValueError(text)


@scheduled_job(manual=True)
async def raises_async() -> None:
    """Fail with an exception, asynchronously."""
    await asyncio.sleep(0)
    raise ValueError("boom in a loop")


@scheduled_job(manual=True)
def ends(way: str, code: int = 0) -> None:
    """End in an unusual way."""
    if way == "exit":
        sys.exit(code)
    if way == "os_exit":
        os._exit(code)
    if way == "segfault":
        ctypes.string_at(0)
    if way == "text":
        sys.exit("not today")
    if way == "signal":
        os.kill(os.getpid(), code)


class Logs(Saying):
    """Writes by every way there is."""

    job_id = "logs"

    def execute(self) -> None:
        """Log, print, write, start a program."""
        logger.debug("a detail")
        logger.info("an info")
        logger.warning("a warning")
        try:
            raise KeyError("inner")
        except KeyError:
            logger.error("an error", exc_info=True)  # noqa: G201
        logging.getLogger("library").debug("noise of a library")
        print("printed")  # noqa: T201
        self.context.log("by the context")
        subprocess.run(["echo", "of a program"], check=True)


@scheduled_job(manual=True)
def sleeps(seconds: float = 60, tidy: str = "") -> None:
    """Sleep without looking whether anybody wants it to end."""
    try:
        time.sleep(seconds)
    finally:
        if tidy:
            Path(tidy).write_text("tidied up")


@scheduled_job(manual=True)
async def sleeps_async(tidy: str = "") -> None:
    """Sleep in a loop."""
    try:
        await asyncio.sleep(60)
    finally:
        Path(tidy).write_text("tidied up")


@scheduled_job(manual=True)
def watches(context: JobContext) -> dict[str, Any]:
    """Look whether it is to end, and end by itself."""
    done = 0
    while not context.wait(0.02):
        done += 1
        context.progress(min(done, 90))
    return {"success": True, "message": "ended by itself", "data": {"some": done > 0}}


@scheduled_job(manual=True)
def stubborn(pid_file: str, watching: bool, context: JobContext) -> None:
    """Start a process in a session of its own and never end."""
    child = subprocess.Popen(["setsid", "sleep", "300"])
    Path(pid_file).write_text(str(child.pid))
    while not watching or context.cancelled in (True, False):
        with contextlib.suppress(BaseException):  # it is stubborn
            time.sleep(1)


@scheduled_job(manual=True)
def looks_around(context: JobContext) -> dict[str, Any]:
    """Report what the process sees."""
    handles = {
        int(entry.name): str(entry.readlink())
        for entry in Path("/proc/self/fd").iterdir()
        if entry.is_symlink()
    }
    child = subprocess.run(
        ["sh", "-c", "env; ls -l /proc/self/fd | wc -l; trap"],
        check=True,
        capture_output=True,
        text=True,
    )
    return {
        "environ": dict(os.environ),
        "proc": Path("/proc/self/environ").read_bytes().replace(b"\0", b"\n").decode(),
        "child": child.stdout,
        "handles": sorted(set(handles.values())),
        "cwd": str(Path.cwd()),
        "umask": os.umask(0o077),
        "session": os.getsid(0) == os.getpid(),
        "deadline": context.deadline,
        "attempt": context.attempt,
        "execution_id": context.execution_id,
    }


@scheduled_job(manual=True)
def talks(context: JobContext) -> dict[str, Any]:
    """Tell progress and a figure, also in the middle of a line."""
    print("no end of line", end="")  # noqa: T201
    context.progress(40)
    context.metric("rows", 1000)
    return {"rows": 1000}


class WritesRows(BaseScheduledJob):
    """Writes to the database in one transaction."""

    job_id = "writes_rows"
    description = "Writes rows"
    manual = True
    atomic = True

    def execute(self, reason: str, end: str = "") -> dict[str, Any]:
        """Write a row, then end as asked."""
        Group.objects.create(name=reason)
        if end == "raise":
            raise ValueError("rolled back")
        return {"success": end != "failed", "message": "done"}


class WritesRowsAsync(BaseScheduledJob):
    """Writes to the database in a transaction of an async job."""

    job_id = "writes_rows_async"
    description = "Writes rows"
    manual = True

    async def execute(self, reason: str) -> None:
        """Write a row that stays and one that does not."""
        async with self.transaction():
            await Group.objects.acreate(name=f"{reason}-kept")
        try:
            async with self.transaction():
                await Group.objects.acreate(name=f"{reason}-gone")
                raise ValueError("roll back")
        except ValueError:
            pass


@scheduled_job(manual=True)
def takes(what: str) -> Any:
    """Take more than it may."""
    if what == "memory":
        return len(bytearray(1 << 40))
    if what == "files":
        return [Path("/dev/null").open() for _ in range(1000)]
    while what == "cpu":
        pass
    return os.getpriority(os.PRIO_PROCESS, 0)


@scheduled_job(manual=True)
def who_am_i() -> dict[str, Any]:
    """Say as whom it runs, and whether there is a way back."""
    back = "possible"
    try:
        os.setuid(0)
    except PermissionError as error:
        back = type(error).__name__
    return {"ids": list(os.getresuid()), "groups": os.getgroups(), "back": back}


@scheduled_job(manual=True)
def what_is_open() -> dict[str, Any]:
    """Say what it finds of the server: in its environment and among its open files."""
    return {
        "environment": Path("/proc/self/environ").read_bytes().decode().split("\0"),
        "variables": dict(os.environ),
        "open": sorted(map(_target, Path("/proc/self/fd").iterdir())),
    }


def _target(handle: Path) -> str:
    """Return what a descriptor leads to; the one that listed them is closed by now."""
    return str(handle.readlink()) if handle.is_symlink() else ""


@scheduled_job(manual=True)
def blocked_in_c() -> None:
    """Wait in C for a lock of its own, with that of Python held: no signal handler ever runs."""
    library, mutex = ctypes.PyDLL(None), ctypes.create_string_buffer(64)
    library.pthread_mutex_lock(mutex)
    library.pthread_mutex_lock(mutex)
