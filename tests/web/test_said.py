"""Sentences of the domain: English everywhere, in its reader's language on a page."""

from __future__ import annotations

import pickle

import pytest
from django import forms
from django.http import JsonResponse
from django.template import Context, Template
from django.utils import translation

from jobs.domain.said import Said, said, said_by, said_of, spoken, told


@pytest.fixture(autouse=True)
def _catalog(monkeypatch: pytest.MonkeyPatch) -> None:
    """Speak a language of this test's own."""
    words = {
        "{what!r} is not {kind}.": "{what!r} bukan {kind}.",
        "a colour": "warna",
        "{n} colours": "{n} warna",
    }
    monkeypatch.setattr(Said, "gettext", staticmethod(lambda text: words.get(text, text)))
    monkeypatch.setattr(
        Said, "ngettext", staticmethod(lambda one, several, _n: words.get(several, one))
    )


def shown(value: object) -> str:
    return Template("{{ it }}").render(Context({"it": value}))


def test_a_sentence_is_english_until_a_template_shows_it() -> None:
    text = said("{what!r} is not {kind}.", what="<b>", kind=said("a colour"))

    assert (text, f"{text}", "%s" % text) == ("'<b>' is not a colour.",) * 3  # noqa: UP031
    assert JsonResponse({"it": text}).content == b'{"it": "\'<b>\' is not a colour."}'
    assert shown(text) == "&#x27;&lt;b&gt;&#x27; bukan warna."
    assert shown(str(text)) == shown(pickle.loads(pickle.dumps(text))) == shown(text)
    assert spoken("as it is") == "as it is"


def test_numbers_are_written_as_the_reader_does(monkeypatch: pytest.MonkeyPatch) -> None:
    text = said("{n:,} bytes, {share:.1%} of {name:.3}", n=12345, share=0.125, name="1.2.3")
    monkeypatch.undo()

    with translation.override("id"):
        assert spoken(text) == "12.345 bytes, 12,5% of 1.2"
    assert text == spoken(text) == "12,345 bytes, 12.5% of 1.2"


def test_counts_and_joined_sentences_speak_too() -> None:
    many = said_of("{n} colour", "{n} colours", 3)

    assert (many, said_of("{n} colour", "{n} colours", 1)) == ("3 colours", "1 colour")
    assert spoken(told([many, "{as it is}"])) == "3 warna {as it is}"


def test_what_has_no_pattern_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    times = said_by({"en": "twice a day", "id": "dua kali sehari"}.__getitem__)
    text = said("{what!r} is not {kind}.", what="x", kind=times)
    monkeypatch.setattr(Said, "language", staticmethod(lambda: "id"))

    assert text == "'x' is not twice a day."
    assert shown(text) == "&#x27;x&#x27; bukan dua kali sehari."


def test_a_form_s_errors_keep_their_language() -> None:
    class Colour(forms.Form):
        name = forms.CharField()

    form = Colour({"name": "no"})
    form.add_error("name", said("{what!r} is not {kind}.", what="no", kind=said("a colour")))

    assert "&#x27;no&#x27; bukan warna." in shown(form.errors["name"])
    assert [str(one) for one in form.errors["name"]] == ["'no' is not a colour."]


def test_a_sentence_is_in_the_reader_s_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    with translation.override("id"):
        assert shown(said("Save")) == translation.gettext("Save") != "Save"
