"""The job type ``script``."""

from __future__ import annotations

import os
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from jobs.domain.states import ExecutionState, Stream
from jobs.executors.script import remove_leftovers
from tests.executors.conftest import RunJob, wait_for
from tests.executors.worker import answer_of, make_context, run, start_worker

# As they stand in the seed, but for the paths they write to.
SYSTEM_HEALTH = (
    "#!/bin/bash\necho '=== Disk Usage ==='\ndf -h\necho '\n=== Memory Usage ==='\nfree -h\n"
    "echo '\n=== System Uptime ==='\nuptime\necho 'Health check completed'"
)
BACKUP_DATA = (
    "#!/bin/bash\nset -e\necho 'Creating backup...'\nmkdir -p /backup\n"
    "cp -r ./data /backup/$(date +%Y%m%d)"
)
CLEANUP_TEMP = (
    "#!/bin/bash\necho 'Cleaning up temporary files...'\n"
    "find /tmp -type f -name '*.tmp' -mtime +1 -delete\n"
    "find /tmp -type f -name 'core.*' -mtime +7 -delete\necho 'Cleanup completed'"
)
BACKUP_CONFIGS = (
    '#!/bin/bash\nset -e\n\nBACKUP_DIR="/var/backups/provisioner-$(date +%Y%m%d)"\n'
    "mkdir -p \"$BACKUP_DIR\"\n\necho 'Creating configuration backup...'\n"
    'cp -r /etc/provisioner/workspaces "$BACKUP_DIR/"\n'
    "cp -r /var/lib/provisioner/templates \"$BACKUP_DIR/\"\n\necho 'Creating tarball...'\n"
    'tar -czf "$BACKUP_DIR.tar.gz" -C "$(dirname "$BACKUP_DIR")" "$(basename "$BACKUP_DIR")"\n'
    'rm -rf "$BACKUP_DIR"\n\necho "Backup completed: $BACKUP_DIR.tar.gz"\n\n'
    "# Keep only last 4 backups\nfind /var/backups -name 'provisioner-*.tar.gz' -type f |"
    " sort -r | tail -n +5 | xargs rm -f"
)


def test_system_health_runs_as_written(run_job: RunJob) -> None:
    run = run_job(script=SYSTEM_HEALTH)

    assert run.outcome == (ExecutionState.SUCCEEDED, "")
    for heading in ("=== Disk Usage ===", "\n=== Memory Usage ===", "\n=== System Uptime ==="):
        assert heading in run.text(Stream.STDOUT)
    assert run.text().endswith("Health check completed\n")


def test_backup_data_copies_below_the_working_directory(run_job: RunJob, tmp_path: Path) -> None:
    """S1-09."""
    (tmp_path / "work" / "data").mkdir(parents=True)
    (tmp_path / "work" / "data" / "file").write_text("precious")

    run = run_job(script=BACKUP_DATA.replace("/backup", f"{tmp_path}/backup"))

    assert run.outcome == (ExecutionState.SUCCEEDED, "")
    assert [path.read_text() for path in (tmp_path / "backup").glob("2*/file")] == ["precious"]


def test_cleanup_temp_deletes_what_is_old(run_job: RunJob, tmp_path: Path) -> None:
    old, new = tmp_path / "old.tmp", tmp_path / "new.tmp"
    for path in (old, new):
        path.touch()
    os.utime(old, (0, 0))

    run = run_job(script=CLEANUP_TEMP.replace("/tmp", str(tmp_path)))

    assert run.text() == "Cleaning up temporary files...\nCleanup completed\n"
    assert (old.exists(), new.exists()) == (False, True)


def test_backup_configs_keeps_the_newest_four(run_job: RunJob, tmp_path: Path) -> None:
    for directory in ("workspaces", "templates", "backups"):
        (tmp_path / directory).mkdir()
    for day in range(1, 6):
        (tmp_path / "backups" / f"provisioner-2020010{day}.tar.gz").touch()
    script = (
        BACKUP_CONFIGS.replace("/var/backups", f"{tmp_path}/backups")
        .replace("/etc/provisioner", str(tmp_path))
        .replace("/var/lib/provisioner", str(tmp_path))
    )

    run = run_job(script=script, environment={"PATH": "/usr/local/bin:/usr/bin:/bin"})

    assert run.outcome == (ExecutionState.SUCCEEDED, "")
    names = sorted(path.name for path in (tmp_path / "backups").iterdir())
    assert names[:3] == [f"provisioner-2020010{day}.tar.gz" for day in (3, 4, 5)]
    assert len(names) == 4


@pytest.mark.parametrize(
    ("script", "output"),
    [
        ("a=(one two); echo ${a[1]}", "two\n"),
        ("#!/bin/bash\nprintf '%s\\n' {1..3}", "1\n2\n3\n"),
        ("#!/bin/sh\necho plain sh", "plain sh\n"),
        ("#!/usr/bin/env python3\nimport sys\nprint(sys.argv[1:])", "[]\n"),
        ("#!/usr/bin/env -S python3 -I\nimport sys\nprint(sys.flags.isolated)", "1\n"),
        ("#!/bin/bash\r\necho one\r\necho two\r\n", "one\ntwo\n"),
        ("\ufeff#!/bin/sh\necho no bom", "no bom\n"),
        ("# ünïcode\necho ünïcode", "ünïcode\n"),
    ],
)
def test_a_script_is_run_by_its_shebang_and_by_bash_without(
    run_job: RunJob, script: str, output: str
) -> None:
    """S1-08."""
    run = run_job(script=script)

    assert run.outcome == (ExecutionState.SUCCEEDED, "")
    assert run.text() == output


def test_set_e_stops_at_the_failing_line(run_job: RunJob) -> None:
    run = run_job(script="set -e; (exit 7); echo not reached")

    assert run.outcome == (ExecutionState.FAILED, "Command failed: exit status 7")
    assert run.text() == ""


def test_a_script_of_a_megabyte_runs(run_job: RunJob) -> None:
    run = run_job(script="# padding\n" * 100_000 + "echo reached the end")

    assert run.text() == "reached the end\n"


def test_a_missing_interpreter_is_named(run_job: RunJob) -> None:
    run = run_job(script="#!/opt/no/such/shell\necho hello")

    assert run.outcome == (
        ExecutionState.FAILED,
        "Command could not be started: /opt/no/such/shell: No such file or directory",
    )
    assert run.result.exit_code == 127
    assert run.last_writes == 1


def test_the_script_is_private_while_it_runs_and_gone_after(
    run_job: RunJob, tmp_path: Path
) -> None:
    run = run_job(script='stat -c %a "$0" "$(dirname "$0")"')

    assert run.text() == "700\n700\n"
    assert list((tmp_path / "scratch").iterdir()) == []


def test_an_unwritable_scratch_directory_is_a_failed_run(run_job: RunJob, tmp_path: Path) -> None:
    (tmp_path / "scratch").write_text("a file in the way")

    run = run_job(script="echo hello")

    assert run.result.state is ExecutionState.FAILED
    assert run.result.message.startswith("Command could not be started: ")
    assert str(tmp_path / "scratch") in run.result.message


def test_what_a_dead_worker_left_is_removed_but_not_what_runs(
    tmp_path: Path, instance: str
) -> None:
    scratch = tmp_path / "scratch"
    contexts = [
        make_context(tmp_path, instance, execution_id=number, timeout=timedelta(seconds=2))
        for number in (11, 12)
    ]
    dead, _ = start_worker(lambda: run(contexts[0], "script", {"script": "sleep 0.5"}))
    wait_for((scratch / "script-11-1").exists)
    os.kill(dead, 9)
    os.waitpid(dead, 0)
    running = start_worker(lambda: run(contexts[1], "script", {"script": "sleep 0.5"}))
    wait_for((scratch / "script-12-1").exists)

    removed = remove_leftovers([scratch, tmp_path / "none"], running=lambda _numbers: [12])

    assert removed == 1
    assert [path.name for path in scratch.iterdir()] == ["script-12-1"]
    assert stat.S_IMODE((scratch / "script-12-1").stat().st_mode) == 0o700
    assert answer_of(*running).result.state is ExecutionState.SUCCEEDED
    wait_for(lambda: not list(scratch.iterdir()))
