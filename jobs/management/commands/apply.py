"""Apply the files of the configuration directory once, and say what came of it."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from jobs import conf
from jobs.services import files


class Command(BaseCommand):
    """``manage.py apply``."""

    help = (
        "Brings jobs and workspaces in line with the files of the configuration directory "
        "(JOBDECK_CONFIG_DIR). Each dispatcher does the same at its start and on every change."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take another directory, and whether to delete what files no longer define."""
        parser.add_argument("directory", nargs="?", type=Path)
        parser.add_argument(
            "--prune", action="store_true", help="delete the jobs whose files are gone"
        )
        parser.add_argument(
            "--check", action="store_true", help="only read the files and name the broken ones"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Apply; fail when a file is broken."""
        root = options["directory"] or conf.config_dir()
        if root is None or not root.is_dir():
            raise CommandError(f"{root or 'JOBDECK_CONFIG_DIR'} is no directory.")
        if options["check"]:
            self._check(root)
            return
        self._refuse_another(root)
        try:
            outcome = files.apply(root, prune=options["prune"])
        except OSError as error:
            raise CommandError(f"{root} cannot be looked at: {error}") from error
        for word, names in (
            ("applied", outcome.applied),
            ("gone", outcome.gone),
            ("deleted", outcome.pruned),
        ):
            for name in names:
                self.stdout.write(f"{word:8} {name}")
        self.stdout.write(f"{outcome.unchanged} unchanged")
        self._fail(list(outcome.broken.values()))

    def _refuse_another(self, root: Path) -> None:
        """Refuse a directory that the dispatchers do not keep: its jobs and theirs would take turns."""
        kept = conf.config_dir()
        if kept is not None and root.resolve() != kept.resolve():
            raise CommandError(
                f"The dispatchers keep to {kept}: what only {root} defines would be paused again, and "
                "everything else meanwhile. Judge it with --check, or make its jobs with `jobctl apply`."
            )

    def _check(self, root: Path) -> None:
        faults = [
            f"{path}{'' if line is None else f':{line}'}: {reason}"
            for path, line, reason in files.validate(root)
        ]
        self._fail(faults)
        self.stdout.write("All files can be read.")

    def _fail(self, faults: list[str]) -> None:
        for fault in faults:
            self.stderr.write(fault)
        if faults:
            raise CommandError(f"{len(faults)} files are broken.")
