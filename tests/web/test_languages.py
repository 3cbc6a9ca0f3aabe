"""English and Indonesian: who reads which, and that nothing is left without its translation."""

from __future__ import annotations

import gettext
import re
from collections import Counter
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import translation

from jobs.models import Preference
from jobs.web import formats
from tests.conftest import signed_in
from tests.factories import (
    cron,
    make_alert,
    make_channel,
    make_execution,
    make_freeze,
    make_job,
    make_worker,
)
from tests.web.catalog import FOLDER, ROOT, Entry, entries, marked

ENTRIES = entries()[1:]
_PLACEHOLDER = re.compile(
    r"%\(\w+\)[0-9]*[a-z]|%[sd%]|{+\w*(?:![rs])?(?::[^{}\s\"]+)?}+|</?[a-z][^>]*>"
)
_MARKED = r"{%\s*blocktranslate.*?endblocktranslate\s*%}|{%.*?%}|{{.*?}}"
_SHOWN = ("aria-label", "title", "placeholder", "alt")
# What is not told in words: names of programs, and what somebody has typed or a program has printed.
_NO_WORDS = {"code", "kbd", "pre", "script", "style", "svg", "textarea"}


def placeholders(text: str) -> Counter[str]:
    return Counter(_PLACEHOLDER.findall(text))


def name_of(entry: Entry) -> str:
    return ": ".join(filter(None, entry.key))


def test_the_compiled_catalog_is_the_written_one() -> None:
    with (FOLDER / "django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)

    for entry in entries():
        context, text = entry.key
        if not text:
            assert compiled.info()["plural-forms"] in entry.translation
        elif entry.plural:
            several = compiled.npgettext if context else None
            told = (
                several(context, text, entry.plural, 2)
                if several
                else compiled.ngettext(text, entry.plural, 2)
            )
            assert told == entry.translation
        else:
            told = compiled.pgettext(context, text) if context else compiled.gettext(text)
            assert told == entry.translation
    assert len(compiled._catalog) == len(entries())  # type: ignore[attr-defined]


def test_every_text_is_translated_with_the_same_placeholders() -> None:
    assert [name_of(one) for one in ENTRIES if "fuzzy" in one.flags or not one.translation] == []
    assert [
        name_of(one)
        for one in ENTRIES
        if placeholders(one.translation) != placeholders(one.plural or one.key[1])
    ] == []
    edges = r"^\s*|\s*$"
    assert [
        name_of(one)
        for one in ENTRIES
        if re.findall(edges, one.translation) != re.findall(edges, one.key[1])
    ] == []


def test_every_marked_text_is_in_the_catalog() -> None:
    """`make messages` collects what is missing here, and says where the file is."""
    known = {entry.key: entry.plural for entry in ENTRIES}
    found = marked()

    assert len(found) > 1500
    missing = {f"{one.place}: {one.text}" for one in found if (one.context, one.text) not in known}
    # Two texts for several of one text for one: the catalog has room for one, the other loses its
    # placeholder.
    plurals = {
        f"{one.place}: {one.plural}"
        for one in found
        if one.plural and known.get((one.context, one.text), one.plural) != one.plural
    }
    assert missing | plurals == set()


def test_attributes_that_are_read_aloud_are_marked() -> None:
    wrong = []
    for path in sorted((ROOT / "templates").rglob("*.html")):
        text = re.sub(_MARKED, "", path.read_text(), flags=re.DOTALL)
        for name, value in re.findall(rf'\s({"|".join(_SHOWN)})="([^"]*)"', text):
            if re.search(r"[A-Za-z]{3,}", value.replace("SHA-256", "")):
                wrong.append(f"{path.relative_to(ROOT)}: {name}={value}")

    assert wrong == []


class _Texts(HTMLParser):
    """Collects what a page shows or has read aloud."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: set[str] = set()
        self._hidden: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _NO_WORDS:
            self._hidden.append(tag)
        self.texts |= {value for name, value in attrs if name in _SHOWN and value}

    def handle_endtag(self, tag: str) -> None:
        if self._hidden and self._hidden[-1] == tag:
            self._hidden.pop()

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.texts.add(" ".join(data.split()))


def texts_of(html: str) -> set[str]:
    reader = _Texts()
    reader.feed(html)
    return reader.texts


@pytest.fixture
def addresses(db: None) -> list[str]:
    """Make something to show, and return the main pages."""
    job = make_job(name="nightly", schedules=[cron("0 * * * *")], auto_disable_after=3)
    run = make_execution(job, state="failed")
    alert = make_alert()
    make_channel(name="ops")
    make_freeze(scope="tag", target="nights")
    make_worker(name="cluster-1")
    return [
        *("/", "/jobs/", f"/jobs/{job.pk}/", f"/jobs/{job.pk}/edit/", "/jobs/new/", "/timeline/"),
        *(f"/jobs/{job.pk}/ledger/", f"/jobs/{job.pk}/delete/", f"/executions/{run.pk}/"),
        *("/executions/", "/alerts/", f"/alerts/{alert.pk}/", "/channels/", "/channels/new/"),
        *("/queues/", "/health/", "/freezes/", "/calendars/new/", "/preferences/", "/keyboard/"),
    ]


def test_no_page_shows_english_where_there_is_indonesian(admin: User, addresses: list[str]) -> None:
    """What is marked too early, at the import, would be told in English for ever."""
    Preference.objects.create(user=admin, language="id")
    client = signed_in(admin)
    english = {one.key[1] for one in ENTRIES if one.key[1] != one.translation}
    # A word that is Indonesian, too, says nothing.
    english -= {one.translation for one in ENTRIES}

    left = {}
    for address in addresses:
        answer = client.get(address)
        html = answer.content.decode()
        assert (answer.status_code, answer["Content-Language"]) == (200, "id"), address
        assert '<html lang="id"' in html, address
        if found := texts_of(html) & english:
            left[address] = found

    assert left == {}


def test_the_persons_language_goes_before_the_browsers(viewer: User) -> None:
    client = signed_in(viewer)
    indonesian = {"accept-language": "id-ID,id;q=0.9,en;q=0.8"}

    def title(**headers: str) -> str:
        html = client.get("/jobs/", headers=headers).content.decode()
        language, word = re.findall(r'<html lang="([a-z-]+)".*?<title>([^ ]+)', html, re.DOTALL)[0]
        return f"{language} {word}"

    assert title() == "en Jobs"
    assert title(**indonesian) == "id Tugas"
    Preference.objects.create(user=viewer, language="en")
    assert title(**indonesian) == "en Jobs"
    Preference.objects.update(language="id")
    client.cookies["django_language"] = "en"
    assert title() == "id Tugas"
    # A language that a later version knew is as none.
    Preference.objects.update(language="xx")
    assert title() == "en Jobs"


@pytest.mark.django_db
def test_the_language_can_be_chosen_before_the_login() -> None:
    client = Client()
    page = client.get("/login/?next=/jobs/").content.decode()
    assert 'name="language" value="id"' in page

    answer = client.post(reverse("language"), {"language": "id", "next": "/login/?next=/jobs/"})

    assert (answer.status_code, answer["Location"]) == (302, "/login/?next=/jobs/")
    html = client.get("/login/").content.decode()
    assert '<html lang="id"' in html
    assert "Kata sandi" in html
    assert client.post(reverse("language"), {"language": "id", "next": "//evil.example/"})[
        "Location"
    ].startswith("/")
    assert client.post(
        reverse("language"), {"language": "xx", "next": "/login/"}
    ).cookies.keys() <= {"csrftoken"}


def test_numbers_and_days_follow_the_language() -> None:
    moment, now = datetime(2026, 5, 4, 14, 3, tzinfo=UTC), datetime(2026, 11, 22, tzinfo=UTC)
    with translation.override("id"):
        assert formats.percent(0.979) == "97,9\u202f%"
        assert formats.clock(moment, now) == "Sen 4 Mei 14:03"
        assert formats.duration(3 * 3600 + 60) == "3 jam 1 mnt"
    with translation.override("en"):
        assert formats.percent(0.979) == "97.9\u202f%"
        assert formats.clock(moment, now) == "Mon 4 May 14:03"


def test_one_english_word_is_told_by_what_it_means(admin: User, addresses: list[str]) -> None:
    """“Never” of a rule is not “never yet”, and “for” is a length of time in one form alone."""
    Preference.objects.create(user=admin, language="id")
    client = signed_in(admin)
    job = make_job(name="hourly")

    def labels(address: str) -> list[str]:
        return re.findall(r"<label[^>]*>([^<]+)", client.get(address).content.decode())

    assert "Selama" in labels("/freezes/new/")
    assert "Menurut" in labels(f"/jobs/{job.pk}/backfill/")
    assert "Kata sandi lama" in labels("/password/")
    page = client.get(f"/jobs/{job.pk}/").content.decode()
    assert "<dt>Nonaktif otomatis</dt><dd>tidak pernah</dd>" in page
    assert re.search(r"/edit/[^>]*>Ubah</a>", page)


def test_an_error_of_the_server_is_told_in_the_readers_language(
    admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    Preference.objects.create(user=admin, language="id")
    client = signed_in(admin)
    client.raise_request_exception = False

    def broken(*_args: object, **_named: object) -> None:
        raise RuntimeError("not told to anybody")

    monkeypatch.setattr("jobs.web.palette.entries", broken)
    answer = client.get("/search/", {"q": "x"})

    html = answer.content.decode()
    assert answer.status_code == 500
    assert '<html lang="id">' in html
    assert "Ada yang rusak di server" in html
    assert "not told" not in html
