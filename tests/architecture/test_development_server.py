"""The server for development starts anew when code changes."""

from __future__ import annotations

from django.core.management import load_command_class
from django.utils import autoreload

import jobs.scheduled_jobs
import jobs.web.urls


def test_it_watches_our_files_and_reloads_unless_told_not_to() -> None:
    """S3-17: Django's own, whose reloader is on by default."""
    command = load_command_class("django.contrib.staticfiles", "runserver")
    parser = command.create_parser("manage.py", "runserver")

    watched = {str(path) for path in autoreload.iter_all_python_module_files()}

    assert parser.parse_args([]).use_reloader is True
    assert parser.parse_args(["--noreload"]).use_reloader is False
    assert {jobs.web.urls.__file__, jobs.scheduled_jobs.__file__} <= watched
