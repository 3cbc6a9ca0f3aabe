"""The product's settings in a project that has an app with jobs."""

from __future__ import annotations

from scheduler_site.settings import *  # noqa: F403
from scheduler_site.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.sample_app"]
