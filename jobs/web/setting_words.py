"""What the page of settings says: where a value came from, what is risky, and the manual's words."""

from __future__ import annotations

import re

from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from jobs.domain.readings import Source
from jobs.domain.risks import Risk
from jobs.web.words import Text

SOURCE: dict[str, Text] = {
    Source.DEFAULT: _("Default"),
    Source.ENVIRONMENT: _("Environment"),
    Source.FILE: _("File"),
}

RISK: dict[str, Text] = {
    Risk.DEBUG: _("Whoever meets an error sees code and data. Set it to 0 on a server."),
    Risk.PLAIN_HTTP: _(
        "Passwords and tokens cross the network readable. Put a proxy with TLS in front and set "
        "HTTPS to 1."
    ),
    Risk.FORGED_PROXY: _(
        "Whoever reaches the port without the proxy can pretend to be it. Let HOST be 127.0.0.1, "
        "or let only the proxy reach the port."
    ),
    Risk.OPEN_LOOPBACK: _(
        "Every user of this host can define and start jobs without credentials. Set it to 0 where "
        "others have an account."
    ),
    Risk.ANY_HOST_NAME: _("Links in mails can be made to lead to other servers. Name the hosts."),
    Risk.ANY_USER: _("A job may run as anybody but root. Name the users that are meant."),
    Risk.ANY_ADDRESS: _(
        "HTTP jobs reach everything, this host and the metadata service of a cloud too. Name the "
        "networks that are meant."
    ),
    Risk.SHORT_KEY: _("A short key can be guessed, and with it every session forged."),
    Risk.NO_RATE: _("A program that goes wild is not slowed down."),
    Risk.MANY_ATTEMPTS: _("So many attempts help whoever guesses passwords."),
    Risk.LONG_SESSION: _("Whoever finds an unlocked browser is logged in for days."),
    Risk.SHORT_LEASE: _("Healthy runs count as lost. Make it at least three times BEAT."),
    Risk.SHORT_DRAIN: _("Running jobs are cut off at every restart."),
    Risk.ANY_CERTIFICATE: _("Somebody in between can read the password and answer instead."),
    Risk.CHATTY_LOG: _("The log may hold what requests carry, and grows fast."),
    Risk.STAYS_OPEN: _("A breaker that has opened stops its jobs until somebody closes it."),
}

_PIECE = re.compile(r"`([^`]+)`|\[([^\]]+)\]\([^)]*\)")


def inline(markdown: str) -> SafeString:
    """Return a cell of the manual as HTML: code as code, and of links the words."""
    pieces, last = [], 0
    for match in _PIECE.finditer(markdown):
        pieces.append(conditional_escape(markdown[last : match.start()]))
        code, words = match[1], match[2]
        pieces.append(format_html("<code>{}</code>", code) if code else inline(words))
        last = match.end()
    return format_html_join("", "{}", ((one,) for one in [*pieces, markdown[last:]]))
