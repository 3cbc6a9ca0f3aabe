"""Collects the texts of pages, those of ``said`` included."""

from __future__ import annotations

from django.core.management.commands import makemessages


class Command(makemessages.Command):
    """Django's command, which also knows how the domain marks its sentences."""

    xgettext_options = [  # Django's own attribute
        *makemessages.Command.xgettext_options,
        "--keyword=said",
        "--keyword=said_of:1,2",
    ]
