"""What the page of an import says: kinds of text, and what is different here from there."""

from __future__ import annotations

from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from jobs.importers.candidates import Kind
from jobs.importers.notes import Note
from jobs.web.words import Text

EXAMPLE = """# Nightly copy
30 2 * * 1-5 /opt/copy.sh --all
@hourly /opt/sweep.sh"""
KIND: dict[str, Text] = {
    Kind.JOBS: _("Job files, JSON or YAML"),
    Kind.CRONTAB: _("A crontab"),
    Kind.SYSTEM_CRONTAB: _("A crontab with users, such as /etc/crontab"),
    Kind.CRONICLE: _("Cronicle's schedule"),
    Kind.TUMBLEBUG: _("CB-Tumblebug's scheduled jobs"),
}
# The sentences of `importers.notes`, for the catalog.
NOTES = (
    gettext_noop("An overlapping run is skipped; cron would start it beside the first."),
    gettext_noop("No mail is sent: the output is kept with each run."),
    gettext_noop("SHELL=%(shell)s is not taken over: sh runs the command."),
    gettext_noop("It runs as %(user)s, which the workers must be allowed to."),
    gettext_noop("What followed %% is given on standard input."),
    gettext_noop("It runs when the host has started anew."),
    gettext_noop("It runs in Jobdeck's own directory; cron would run it in the account's home."),
    gettext_noop("It is disabled there: look before you resume it."),
    gettext_noop("The field %(field)s is not known and is left out."),
    gettext_noop(
        "%(fields)s belong to the workspace itself and are left out: set them on its page."
    ),
    gettext_noop("It had no schedule there: it runs by hand only."),
    gettext_noop("The years %(years)s are left out: it would run each year."),
    gettext_noop("What is missed is caught up, each due time, as there."),
    gettext_noop("It ran on %(target)s; here any worker runs it."),
    gettext_noop(
        "The event that it starts afterwards (%(event)s) is left out: let that one wait for this job."
    ),
    gettext_noop("It had failed too often there and was disabled."),
)


def note(one: Note) -> str:
    """Return a note in the reader's language."""
    return gettext(one.text) % one.values
