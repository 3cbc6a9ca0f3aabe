"""What forms, buttons and addresses refuse: in the page's language, and in English to a program."""

from __future__ import annotations

import html
import json
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import translation

from jobs.domain.said import spoken, unpacked
from jobs.importers.ics import Reader, answer
from jobs.models import Preference
from jobs.queries import breakers
from tests.conftest import signed_in
from tests.factories import make_breaker, make_variable, make_worker


@pytest.fixture
def client(admin: User) -> Client:
    """Sign in somebody who reads Indonesian."""
    Preference.objects.create(user=admin, language="id")
    return signed_in(admin)


def posted(client: Client, url: str, data: dict[str, str]) -> str:
    """Send a form; return the page that refuses it, or the page after it."""
    return html.unescape(client.post(url, data, follow=True).content.decode())


# Page, what is typed, and what the page says of it.
_FORMS = (
    (
        "variable_new",
        {"name": "taken", "value": "x"},
        "Variabel taken untuk semua tugas sudah ada. Ubah nilainya.",
    ),
    (
        "variable_new",
        {"name": "other", "job": "nobody", "value": "x"},
        "Tugas 'nobody' tidak ada. Kosongkan untuk semua tugas.",
    ),
    ("variable_new", {"name": "other", "value": "x" * 70_000}, "byte. Pakai "),
    ("workspace_new", {"name": "a b"}, "Nama 'a b' tidak diizinkan. Pakai 1 sampai 100 huruf"),
    ("token_new", {"name": "ci", "expires_at": "soon"}, "'soon' bukan batas akhir. Pakai durasi"),
    ("preferences", {"theme": "pink"}, "'pink' tidak diizinkan. Pakai light atau dark."),
    (
        "own_rule_new",
        {"name": "mine", "metric": "failures", "threshold": "many"},
        "Masukan harus berupa 'above' atau 'below'.",
    ),
    ("template_new", {"name": "", "url": ""}, "Templat perlu nama."),
    ("jobs_import", {"text": "* * * * *", "kind": "crontab"}, "Tulis lima isian dan perintah."),
    (
        "jobs_import",
        {"text": '{"name": "a", "name": "b"}', "kind": "jobs"},
        "name disebut dua kali",
    ),
)


def test_forms_refuse_in_the_reader_s_language(client: Client) -> None:
    make_variable(name="taken")

    left = {
        f"{name}: {wanted}": said
        for name, typed, wanted in _FORMS
        if wanted not in (said := posted(client, reverse(name), typed))
    }

    assert list(left) == []


def test_buttons_and_addresses_refuse_in_the_reader_s_language(client: Client) -> None:
    worker = make_worker(name="cluster-1")
    undrain = reverse("worker_undrain", args=[worker.pk])
    window = "?from=2026-05-02T00:00:00Z&to=2026-05-01T00:00:00Z"

    assert "Worker cluster-1 tidak dikosongkan." in posted(client, undrain, {})
    assert "Antrean default tidak dijeda." in posted(
        client, reverse("queue_resume", args=["default"]), {}
    )
    missing = client.get("/executions/4711/")
    assert missing.status_code == 404
    assert "Eksekusi 4711 tidak ada." in missing.content.decode()
    fragment = client.get(reverse("p_variable_delete", args=[4711]), headers={"hx-request": "true"})
    assert fragment.content.decode() == "Variabel 4711 tidak ada."
    missed = client.get(reverse("missed") + window)
    assert "lebih akhir daripada to 2026-05-01T00:00:00+00:00. Tukar keduanya." in (
        missed.content.decode()
    )
    # A program is told in English, whatever its owner reads.
    told = client.get("/api/v1/executions/4711", headers={"accept-language": "id"}).json()
    assert "Execution 4711 does not exist." in json.dumps(told)


def test_what_a_process_of_its_own_refuses_is_spoken_too() -> None:
    text = (
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nSUMMARY:Sweep\nDTSTART:20260501T100000Z\n"
        "RRULE:FREQ=HOURLY\nEND:VEVENT\nEND:VCALENDAR\n"
    )
    now = datetime(2026, 5, 1, tzinfo=UTC)
    found = json.loads(json.dumps(answer(text, Reader(timezone="UTC", now=now, years=1))))

    sentence = unpacked(found["error"])

    assert sentence == (
        "There is something wrong with the event Sweep: "
        "it repeats every hour for ever; use DAILY or longer."
    )
    with translation.override("id"):
        assert spoken(sentence) == (
            "Ada yang salah dengan acara Sweep: "
            "berulang setiap jam tanpa akhir; pakai DAILY atau lebih panjang."
        )


@pytest.mark.django_db
def test_why_a_circuit_breaker_lets_nothing_begin_is_spoken() -> None:
    row = make_breaker("payments")
    row.state, row.half_open_probes = "half_open", 2

    sentence = breakers.words_of(row)

    assert sentence == "Circuit breaker payments is HALF_OPEN: 2 test runs are under way"
    with translation.override("id"):
        assert (
            spoken(sentence) == "Circuit breaker payments HALF_OPEN: 2 eksekusi uji sedang berjalan"
        )
