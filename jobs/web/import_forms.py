"""The form of an import: a text or a file, what it is, and what its jobs are called here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from jobs.domain.errors import InvalidError
from jobs.importers.candidates import MAX_TEXT
from jobs.web import import_words

_FIELDS = ("text", "kind", "timezone", "home", "prefix", "workspace", "tag", "source")


def _text(**attributes: str) -> forms.TextInput:
    return forms.TextInput(attrs={"class": "in", "autocomplete": "off", **attributes})


class ImportForm(forms.Form):
    """Only carries text: `services.imports` judges it."""

    text = forms.CharField(
        label=gettext_lazy("Text"),
        help_text=gettext_lazy("Paste it here, or choose a file below."),
        required=False,
        strip=False,
        widget=forms.Textarea(
            attrs={
                "class": "in mono",
                "rows": 12,
                "spellcheck": "false",
                "placeholder": import_words.EXAMPLE,
            }
        ),
    )
    file = forms.FileField(
        label=gettext_lazy("Read from a file"),
        help_text=gettext_lazy("At most 500 kB; it replaces the text above"),
        required=False,
        widget=forms.FileInput(attrs={"class": "in"}),
    )
    kind = forms.CharField(
        label=gettext_lazy("What it is"),
        required=False,
        widget=forms.Select(
            attrs={"class": "in"},
            choices=[("", gettext_lazy("Recognise it")), *import_words.KIND.items()],
        ),
    )
    timezone = forms.CharField(
        label=gettext_lazy("Time zone"),
        help_text=gettext_lazy("Of a crontab, and of times that name none"),
        required=False,
        widget=_text(list="zones"),
    )
    home = forms.CharField(
        label=gettext_lazy("Directory"),
        help_text=gettext_lazy("Where the commands of a crontab run"),
        required=False,
        widget=_text(),
    )
    # A field, which Django keeps apart from the attribute of that name.
    prefix = forms.CharField(  # type: ignore[assignment]
        label=gettext_lazy("Names begin with"), required=False, widget=_text()
    )
    workspace = forms.CharField(
        label=gettext_lazy("Workspace"),
        help_text=gettext_lazy("Of jobs that name none"),
        required=False,
        widget=_text(list="workspaces"),
    )
    tag = forms.CharField(
        label=gettext_lazy("Tag"),
        help_text=gettext_lazy("To find them by; each job gets it"),
        required=False,
        widget=_text(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportDraft:
    """An import while it is being looked at; ``seen`` is the mark of what the reader saw last."""

    values: Mapping[str, str]
    seen: str = ""

    @property
    def mark(self) -> str:
        """Return what tells one text with its settings from another."""
        written = json.dumps(dict(self.values), sort_keys=True)
        return hashlib.sha256(written.encode(errors="surrogatepass")).hexdigest()[:20]

    @property
    def was_seen(self) -> bool:
        """Say whether the reader saw what would become of just this."""
        return self.seen == self.mark

    def request(self) -> dict[str, Any]:
        """Return what `services.imports` judges."""
        return {**self.values, "kind": self.values["kind"] or None}


def empty(zone: str, tag: str) -> ImportDraft:
    """Return the form before anything is typed."""
    return ImportDraft(values={**dict.fromkeys(_FIELDS, ""), "timezone": zone, "tag": tag})


def from_post(data: Mapping[str, str]) -> ImportDraft:
    """Return what was typed; a browser sends line ends of its own."""
    values = {name: data.get(name, "").replace("\0", "") for name in _FIELDS}
    values["text"] = values["text"].replace("\r\n", "\n")
    values["source"] = values["source"][:200]
    return ImportDraft(values=values, seen=data.get("seen", ""))


def with_file(draft: ImportDraft, upload: UploadedFile[bytes]) -> ImportDraft:
    """Return the draft with a file's text in place of its own; InvalidError where it is none."""
    # One byte more than allowed is enough to be refused.
    raw = upload.read(MAX_TEXT + 1)
    if len(raw) > MAX_TEXT:
        raise _wrong(_("The file has more than 500 kB. Give a part of it, or use jobctl apply."))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        sentence = _("The file is not text in UTF-8 (byte %d).") % error.start
        raise _wrong(sentence) from error
    values = {**draft.values, "text": text.replace("\0", "").replace("\r\n", "\n")}
    return replace(draft, values={**values, "source": (upload.name or "")[:200]})


def form_of(draft: ImportDraft, errors: Mapping[str, str]) -> ImportForm:
    """Return the form with each sentence at its field."""
    form = ImportForm(dict(draft.values))
    form.is_valid()
    for key, sentence in errors.items():
        name = key.partition(".")[0]
        form.add_error(name if name in form.fields else None, sentence)
    return form


def _wrong(sentence: str) -> InvalidError:
    return InvalidError(sentence, fields={"file": sentence})
