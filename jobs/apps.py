"""The app's configuration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class JobsConfig(AppConfig):
    """Jobdeck's app."""

    name = "jobs"
    verbose_name = _("Jobdeck")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Listen to logins and register what `manage.py check` looks at."""
        from jobs import checks
        from jobs.services import sessions

        checks.register()
        sessions.connect()
