"""Collects the texts of pages, those of ``said`` and of the manual's settings included."""

from __future__ import annotations

import json
from pathlib import Path

from django.core.management.commands import makemessages

from jobs.queries.configuration import manual_texts


class Command(makemessages.Command):
    """Django's command, which also knows where else the words of pages come from."""

    xgettext_options = [  # Django's own attribute
        *makemessages.Command.xgettext_options,
        "--keyword=said",
        "--keyword=said_of:1,2",
    ]

    def process_files(self, file_list: list[makemessages.TranslatableFile]) -> None:
        """Collect from the files, then from the manual's table of settings."""
        super().process_files(file_list)
        # What stands there twice is made one by Django afterwards.
        path = Path(self.default_locale_path or ".") / f"{self.domain}.pot"
        with path.open("a", encoding="utf-8", newline="\n") as file:
            for text in manual_texts():
                file.write(f'\nmsgid {json.dumps(text, ensure_ascii=False)}\nmsgstr ""\n')
