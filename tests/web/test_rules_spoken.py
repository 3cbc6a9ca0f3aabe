"""What is wrong with a job, a calendar or a right is told in the reader's language on every page."""

from __future__ import annotations

import json
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import translation

from jobs.domain.errors import JobdeckError
from jobs.domain.said import spoken
from jobs.models import Preference
from jobs.services import tokens
from jobs.services.definitions import parse_definition
from jobs.services.people import actor_of
from tests.conftest import signed_in
from tests.factories import make_job
from tests.web.test_job_form import filled, schedule


def shown(client: Client, path: str, data: dict[str, Any]) -> str:
    return unescape(client.post(path, data, follow=True).content.decode())


def test_the_job_form_tells_in_indonesian_what_is_wrong(editor: User) -> None:
    Preference.objects.create(user=editor, language="id")
    client = signed_in(editor)
    rows = [
        schedule(0, expression="61 * * * *"),
        schedule(1, expression="0 0 30 2 *"),
        schedule(2, expression="* * *"),
        schedule(3, timezone="Mars/Base"),
        schedule(4, kind="interval", seconds="5 blinks"),
        schedule(5, kind="interval", seconds="10s", jitter_seconds="1m"),
        schedule(6, kind="once", at="9995-01-01T00:00"),
        schedule(7, kind="once", at="2026-13-01T00:00"),
    ]
    fields = {key: value for row in rows for key, value in row.items()}
    expected = [
        "Menit 61 tidak ada. Pakai 0 sampai 59.",
        "0 0 30 2 * tidak pernah jatuh tempo: bulan 2 tidak memiliki tanggal 30.",
        "Ekspresi '* * *' memiliki 3 isian. Pakai 5 (menit, jam, tanggal, bulan, hari), atau 6",
        "Zona waktu Mars/Base tidak ada. ",
        "satuan blinks tidak ada. Pakai w, d, h, m, s, ms.",
        "jitter_seconds 60 di luar batas. Pakai 0 sampai 10.",
        "di luar rentang. Pakai tahun 2 sampai 9990.",
        "Masukan harus berupa waktu atau tanggal yang sah, bulan di luar rentang 1-12.",
    ]
    page = shown(client, reverse("job_new"), filled(**fields))
    assert [one for one in expected if one not in page] == []
    # The panel that answers while somebody types reads the same.
    live = shown(client, reverse("p_job_preview"), filled(**schedule(0, expression="61 * * * *")))
    assert "Menit 61 tidak ada. Pakai 0 sampai 59." in live

    parameter = {"name": "n", "type": "integer", "minimum": 5, "maximum": 1}
    page = shown(
        client,
        reverse("job_new"),
        filled(
            timeout_seconds="1m",
            soft_timeout_seconds="2m",
            requires="é",
            retry_max_attempts="x",
            parameters="[]",
            working_dir="{{ 1+1 }}",
        ),
    )
    expected = [
        "2m tidak kurang dari batas waktu, 1m: eksekusi akan diakhiri lebih dahulu.",
        "Label 'é' tidak diizinkan. Pakai kata seperti gpu",
        '"x": Masukan harus berupa bilangan bulat',
        "{{ 1+1 }} bukan variabel. Di antara {{ dan }}",
    ]
    assert [one for one in expected if one not in page] == []
    page = shown(client, reverse("job_new"), filled(parameters=json.dumps([parameter])))
    assert "1 kurang dari minimum, 5." in page
    page = shown(client, reverse("job_new"), filled(parameters='[{"nam": "n"}]'))
    assert "Isian ini tidak ada. Mungkin maksud Anda name? Yang diizinkan: name," in page


def test_calendars_parameters_and_rights_are_told_in_indonesian(editor: User, viewer: User) -> None:
    for person in (editor, viewer):
        Preference.objects.create(user=person, language="id")
    client = signed_in(editor)
    calendar = {"name": "x", "mode": "block", "timezone": "Pariss", "windows": "sun 9am\n13-40"}
    page = shown(client, "/calendars/new/", calendar)
    assert "Baris 1: sun 9am bukan jendela. Mulailah dengan hari dan waktu" in page
    page = shown(client, "/calendars/new/", {**calendar, "windows": "13-40"})
    assert "Baris 1: month 13 tidak ada. Pakai 1 sampai 12." in page

    job = make_job(
        parameters=[
            {"name": "n", "type": "integer", "minimum": 1},
            {"name": "c", "type": "choice", "choices": ["u", "v"]},
        ]
    )
    given = {"parameter-n": "0", "parameter-c": "w"}
    page = shown(client, reverse("job_run_with", args=[job.pk]), given)
    assert "'0' terlalu kecil. Pakai 1 atau lebih." in page
    answer = signed_in(viewer).post(f"/jobs/{job.pk}/run/", headers={"HX-Request": "true"})
    assert answer.status_code == 403
    assert "Peran Anda, viewer, tidak boleh menjalankan" in unescape(answer.content.decode())


def test_programs_and_python_read_english(admin: User) -> None:
    wrong: dict[str, Any] = {
        "name": "x",
        "type": "command",
        "spec": {"command": "true"},
        "timeout_seconds": "5 q",
    }
    wrong["schedules"] = [{"kind": "cron", "expression": "61 * * * *"}]
    english = "Minute 61 does not exist. Use 0 to 59."
    _, token = tokens.create(admin, "script", actor=actor_of(admin))
    asking = {"authorization": f"Bearer {token}", "accept-language": "id"}

    answer = Client().post("/api/v1/jobs", wrong, "application/json", headers=asking)
    with pytest.raises(JobdeckError) as error:
        parse_definition(wrong)

    assert english in answer.content.decode()
    assert english in str(error.value)
    with translation.override("id"):
        assert "Menit 61 tidak ada" in spoken(error.value.message)
        assert "5 q: satuan q tidak ada." in spoken(error.value.message)
        assert english in f"{error.value}"
