"""The app's configuration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class JobsConfig(AppConfig):
    """Jobdeck's app."""

    name = "jobs"
    verbose_name = _("Jobdeck")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Listen to logins, register checks, find the job types and the jobs of other apps."""
        from django.apps import apps
        from django.utils import translation

        from jobs import checks, executors
        from jobs.domain.said import Said
        from jobs.models import views
        from jobs.registry import REGISTRY
        from jobs.services import sessions
        from jobs.web import formats

        Said.gettext, Said.ngettext = translation.gettext, translation.ngettext
        Said.language = translation.get_language
        Said.figures = formats.figures
        checks.register()
        sessions.connect()
        views.connect()
        executors.load_plugins()
        REGISTRY.discover(config.name for config in apps.get_app_configs())
