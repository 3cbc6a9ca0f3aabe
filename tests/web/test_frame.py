"""The frame around every page: on a phone it leads everywhere, and tells of what is critical."""

from __future__ import annotations

import re

import pytest
from django.db import OperationalError
from django.test import Client, RequestFactory
from django.urls import resolve, reverse
from django.utils import timezone, translation

from jobs.queries.waiting import unserved, waiting_of
from jobs.web import waiting_words
from jobs.web.middleware import OutageMiddleware, viewer_of
from tests.factories import make_alert, make_execution, make_job, make_worker

pytestmark = pytest.mark.django_db


def links(html: str, begin: str, end: str) -> set[str]:
    return set(re.findall(r'<a href="([^"]+)"', html.split(begin, 1)[1].split(end, 1)[0]))


def test_the_menu_of_a_phone_leads_wherever_the_sidebar_does(
    admin_client: Client, viewer_client: Client
) -> None:
    pages = [
        client.get(reverse("jobs")).content.decode() for client in (admin_client, viewer_client)
    ]

    for html in pages:
        side = links(html, '<nav class="nav"', "</aside>")
        assert len(side) > 10
        assert side - links(html, '<header class="topbar"', "</header>") == set()
    # What one may not do is left out of menus.
    assert [reverse("job_new") in html for html in pages] == [True, False]


def test_every_page_tells_of_what_is_critical_in_its_title_and_on_the_tab_of_alerts(
    admin_client: Client,
) -> None:
    make_worker(name="cluster-1")
    address = reverse("jobs")
    before = admin_client.get(address).content.decode()
    make_alert(severity="critical")
    after = admin_client.get(address).content.decode()
    poll = admin_client.get(reverse("p_heartbeat"), headers={"HX-Request": "true"}).content.decode()

    assert "<title>Jobs ·" in before
    assert '<span id="alert-badge"></span>' in before
    assert "<title>(1) Jobs ·" in after
    for html in (after, poll):
        assert '<b class="hot" aria-hidden="true">1</b><span class="sr">1 critical</span>' in html


def test_the_pages_of_an_outage_and_of_a_stale_form_keep_the_reader_s_theme_and_language() -> None:
    request = RequestFactory().get("/jobs/?q=a", headers={"cookie": "theme=dark"})
    request.viewer = viewer_of(request)  # type: ignore[attr-defined]
    strict = Client(enforce_csrf_checks=True, headers={"accept-language": "id"})
    strict.cookies["theme"] = "dark"

    with translation.override("id"):
        outage = OutageMiddleware(lambda _request: None).process_exception(  # type: ignore[arg-type, return-value]
            request, OperationalError("away")
        )
    stale = strict.post(reverse("login"), {"username": "ada"})

    assert outage is not None
    assert (outage.status_code, stale.status_code) == (503, 403)
    for answer in (outage, stale):
        assert b'<html lang="id" data-theme="dark">' in answer.content
        assert b'<div class="brand">' in answer.content
    assert b'href="/jobs/?q=a"' in outage.content


def test_what_an_execution_waits_for_is_told_in_the_reader_s_language() -> None:
    run = make_execution(make_job(name="train"), state="queued", queue="slow", requires="gpu")
    waiting = waiting_of(run, timezone.now())
    missing = unserved(timezone.now())[0]

    assert waiting is not None
    assert waiting_words.of(waiting) == "Waits: no worker serves queue slow with gpu"
    with translation.override("id"):
        assert waiting_words.of(waiting) == (
            "Menunggu: tidak ada worker yang melayani antrean slow dengan gpu"
        )
        assert waiting_words.missing(missing) == (
            "Tidak ada worker yang melayani antrean slow dengan gpu"
        )


def test_a_press_during_an_outage_or_on_a_page_too_old_is_answered_where_it_was_made(
    admin_client: Client,
) -> None:
    pressed = {"HX-Request": "true"}
    request = RequestFactory().post("/jobs/1/run/", headers=pressed)
    strict = Client(enforce_csrf_checks=True, headers=pressed)
    strict.cookies = admin_client.cookies

    outage = OutageMiddleware(lambda _request: None).process_exception(  # type: ignore[arg-type, return-value]
        request, OperationalError("away")
    )
    stale = strict.post(reverse("job_run", args=[1]))

    assert outage is not None
    assert (outage.status_code, stale.status_code) == (503, 403)
    for answer, words in ((outage, b"Nothing was changed."), (stale, b"open for too long.")):
        assert answer.content.startswith(b'<hx-partial hx-target="#toasts"')
        assert words in answer.content
        assert b"<html" not in answer.content


def test_the_page_of_an_outage_sends_what_was_typed_once_more_but_no_secret() -> None:
    def shown(path: str, sent: dict[str, str]) -> str:
        request = RequestFactory().post(path, sent)
        request.resolver_match = resolve(path)
        outage = OutageMiddleware(lambda _request: None).process_exception(  # type: ignore[arg-type, return-value]
            request, OperationalError("away")
        )
        assert outage is not None
        return outage.content.decode()

    form = shown("/variables/new/", {"name": "a", "value": '"two"\nlines'})
    sealed = [
        shown("/login/", {"username": "ada", "password": "s3c"}),
        shown("/variables/new/", {"name": "a", "value": "s3c", "secret": "on"}),
        shown("/channels/new/", {"name": "a", "address": "s3c"}),
        shown("/jobs/1/run/with/", {"param-key": "s3c"}),
    ]

    assert '<input type="hidden" name="value" value="&quot;two&quot;\nlines">' in form
    assert "Send what I typed again" in form
    assert not [page for page in sealed if "s3c" in page or "Send what" in page]
