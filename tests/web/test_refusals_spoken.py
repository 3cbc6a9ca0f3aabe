"""What forms and buttons refuse is told in the reader's language; programs read English."""

from __future__ import annotations

from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from jobs.models import AuditEntry, Backfill, Freeze, Preference
from jobs.services import tokens
from jobs.services.people import actor_of
from tests.conftest import signed_in
from tests.factories import (
    make_alert,
    make_backfill,
    make_breaker,
    make_calendar,
    make_channel,
    make_execution,
    make_freeze,
    make_job,
    make_user,
)

EMAIL = {
    "name": "x",
    "severity": "warning",
    "kind": "email",
    "to": "ops@example.com",
    "remind_seconds": "4h",
}
FREEZE = {"scope": "everything", "reason": "deploy"}
CHECK_IN = {"name": "x", "timezone": "UTC", "grace_seconds": "5m"}
CALENDAR = {"mode": "block", "timezone": "UTC"}
DAY = {"from": "2026-01-02T00:00", "to": "2026-01-03T00:00", "only": "missed"}


@pytest.fixture
def reader(admin: User) -> Client:
    """Return the browser of a person who reads Indonesian."""
    Preference.objects.create(user=admin, language="id")
    return signed_in(admin)


def told(client: Client, path: str, data: dict[str, Any]) -> str:
    """Return what is shown after something is sent, on this page or on the one it leads to."""
    return unescape(client.post(path, data, follow=True).content.decode())


def test_forms_tell_in_indonesian_what_is_wrong(reader: Client, admin: User) -> None:
    job, eve = make_job(name="nightly"), make_user("eve")
    make_calendar(name="holidays")
    breaker = make_breaker("shop")
    access, backfill = f"/people/{eve.pk}/access/", f"/jobs/{job.pk}/backfill/"
    asked = [
        ("/people/new/", {"username": "x", "email": "x"}, "'x' bukan alamat surel."),
        ("/people/new/", {"username": admin.username}, f"{admin.username} sudah ada. Pilih nama"),
        (f"/people/{admin.pk}/", {"role": "viewer"}, "adalah administrator terakhir"),
        (access, {"role": "viewer"}, "Sebutkan ruang kerja atau tag, tepat salah satunya."),
        (access, {"role": "viewer", "tag": "?"}, "Tag '?' tidak diizinkan."),
        ("/channels/new/", {**EMAIL, "to": "nobody"}, "'nobody' bukan alamat surel."),
        ("/channels/new/", {**EMAIL, "kind": "pigeon"}, "'pigeon' tidak diizinkan. Pakai email,"),
        ("/channels/new/", {**EMAIL, "quiet_from": "8:00", "quiet_to": "8:00"}, "pada waktu yang"),
        ("/freezes/new/", {**FREEZE, "reason": " "}, "Alasan belum diisi."),
        ("/freezes/new/", {**FREEZE, "ends_at": "2020-01-01T00:00"}, "tidak sesudah waktu mulai."),
        ("/check-ins/new/", CHECK_IN, "Pakai ekspresi cron atau periode, salah satu saja."),
        ("/calendars/new/", {**CALENDAR, "name": "holidays"}, "Kalender bernama holidays sudah"),
        (f"/breakers/{breaker.pk}/edit/", {"threshold": "0"}, '"0" terlalu kecil. Pakai 1 atau'),
        (backfill, DAY, "Tidak ada jatuh tempo dalam rentang ini. Pilih rentang lain."),
        (backfill, {**DAY, "to": "2026-01-01T00:00"}, "Tukar keduanya."),
        (backfill, {**DAY, "from": "9999-01-01T00:00", "to": ""}, "Pakai tahun 1970 sampai 9990."),
    ]

    left = [sentence for path, data, sentence in asked if sentence not in told(reader, path, data)]
    assert left == []


def test_buttons_tell_in_indonesian_why_nothing_was_done(
    reader: Client, settings: Settings
) -> None:
    settings.MAIL_READY = False
    job = make_job(name="nightly", paused=True)
    run = make_execution(job, state="succeeded")
    ended = timezone.now() - timedelta(hours=1)
    alert = make_alert(resolved_at=ended)
    backfill = make_backfill()
    Backfill.objects.update(state="finished", next_at=None)
    freeze = make_freeze(scope="tag", target="nights")
    Freeze.objects.update(lifted_at=ended)
    calendar = make_calendar(name="holidays")
    job.calendars.add(calendar)
    channel = make_channel(name="ops", kind="email", settings={"to": ["ops@example.com"]})

    asked = [
        (f"/executions/{run.pk}/kill/", f"Eksekusi {run.pk} sudah berhasil; hanya yang menunggu"),
        (f"/alerts/{alert.pk}/acknowledge/", f"Peringatan {alert.pk} sudah berakhir."),
        (f"/backfills/{backfill.pk}/pause/", f"Backfill {backfill.pk} sudah selesai; hanya yang"),
        (f"/freezes/{freeze.pk}/lift/", f"Pembekuan {freeze.pk} sudah berakhir. Buat yang baru."),
        (f"/calendars/{calendar.pk}/delete/", "holidays sedang dipakai: nightly akan berjalan"),
        (f"/channels/{channel.pk}/test/", "ops tidak diberi tahu: Server surel belum diatur"),
        ("/channels/999/test/", "Kanal 999 tidak ada."),
    ]

    assert [(path, one) for path, one in asked if one not in told(reader, path, {})] == []
    # What is kept is for every reader, whatever language is spoken now.
    kept = AuditEntry.objects.get(action="channel.test").note
    assert kept == "No mail server is set: EMAIL_HOST is empty"
    canary = make_execution(make_job(name="selfcheck-canary"), state="timed_out")
    page = unescape(reader.get(f"/about/?run={canary.pk}").content.decode())
    assert f"Eksekusi #{canary.pk} lewat batas waktu: " in page
    several = told(reader, "/alerts/bulk/", {"id": [alert.pk], "action": "acknowledge"})
    assert f"Peringatan {alert.pk} sudah berakhir." in several


def test_programs_read_english_whatever_language_they_ask_for(admin: User) -> None:
    Preference.objects.create(user=admin, language="id")
    alert = make_alert(resolved_at=timezone.now())
    _, token = tokens.create(admin, "script", actor=actor_of(admin))
    asking = {"authorization": f"Bearer {token}", "accept-language": "id"}

    answer = Client().post(
        f"/api/v1/alerts/{alert.pk}/acknowledge", {}, "application/json", headers=asking
    )

    assert (answer.status_code, f"Alert {alert.pk} has ended." in answer.content.decode()) == (
        409,
        True,
    )
