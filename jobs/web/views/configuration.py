"""The settings in effect, for administrators; they are changed in the environment, not here."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.html import strip_tags
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from jobs.domain.permissions import Permission
from jobs.queries.configuration import Setting, configuration
from jobs.web import guard
from jobs.web.http import AuthedRequest
from jobs.web.setting_words import RISK, SOURCE, inline
from jobs.web.words import Text

_SHOWN = ("", "set", "risky")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One setting in words."""

    setting: Setting
    source: Text
    default: SafeString
    meaning: SafeString
    risks: list[Text]

    def matches(self, text: str) -> bool:
        """Say whether the row has ``text`` in its name, value, meaning or warnings."""
        parts = (self.setting.name, self.setting.value, strip_tags(self.meaning), *self.risks)
        return all(any(word in str(part).lower() for part in parts) for word in text.split())


@guard.page(Permission.ADMINISTER)
def setting_list(request: AuthedRequest) -> HttpResponse:
    """Show every setting, or those that somebody has set, that are risky, or that match a text."""
    asked = request.GET.get("show", "")
    show = asked if asked in _SHOWN else ""
    text = request.GET.get("q", "").replace("\0", "").strip()[:200]
    rows = [_row(one) for one in configuration()]
    words = (_("All"), _("Set by somebody"), _("With a warning"))
    counts = (
        len(rows),
        sum(_is(row, "set") for row in rows),
        sum(_is(row, "risky") for row in rows),
    )
    context = {
        "section": "settings",
        "rows": [row for row in rows if _is(row, show) and row.matches(text.lower())],
        "query": text,
        "show": show,
        "chips": list(zip(_SHOWN, words, counts, strict=True)),
    }
    return render(request, "pages/settings.html", context)


def _row(setting: Setting) -> Row:
    return Row(
        setting=setting,
        source=SOURCE[setting.source],
        default=_manual(setting.default),
        meaning=_manual(setting.meaning),
        risks=[RISK[risk] for risk in setting.risks],
    )


def _manual(text: str) -> SafeString:
    """Return a cell of the manual, which translators know too; gettext has words for nothing."""
    return inline(_(text) if text else "")


def _is(row: Row, show: str) -> bool:
    return {"": True, "set": row.setting.changed, "risky": bool(row.risks)}[show]
