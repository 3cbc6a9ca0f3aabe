"""What a person sets for the own pages: saved once, shown in every browser, seen by nobody else."""

from __future__ import annotations

from django.test import Client
from django.urls import reverse

from jobs.domain.permissions import SYSTEM, Role
from jobs.domain.preferences import FilterPage
from jobs.models import Preference, SavedFilter
from jobs.services import access, preferences
from tests.conftest import signed_in
from tests.factories import make_execution, make_job, make_user


def page(client: Client, name: str = "jobs", query: str = "") -> str:
    return client.get(f"{reverse(name)}{query}").content.decode()


def test_preferences_hold_in_every_browser_of_the_person_and_no_other(db: None) -> None:
    vera = make_user("vera", Role.VIEWER)
    here, there = signed_in(vera), signed_in(vera)
    other = signed_in(make_user("otto", Role.VIEWER))
    make_execution(make_job(name="report"))
    here.cookies["theme"] = "light"
    here.cookies["tz"] = "Asia/Tokyo"

    answer = here.post(
        reverse("preferences"),
        {
            "language": "",
            "time_zone": "Europe/Paris",
            "theme": "dark",
            "density": "compact",
            "job_columns": ["next", "last"],
            "execution_columns": ["started"],
        },
    )

    assert (answer.status_code, answer["Location"]) == (303, reverse("preferences"))
    for client in (here, there):
        client.cookies.pop("theme", None)
        client.cookies["tz"] = "Asia/Tokyo"  # the browser's own zone gives way to the saved one
        html = page(client)
        assert 'data-theme="dark"' in html
        assert 'data-density="compact"' in html
        assert 'data-keys="off"' in html
        assert "c-next" in html
        assert 'class="c-last' in html
        assert not any(f'class="{name}' in html for name in ("c-sched", "c-strip", "c-rate"))
        runs = page(client, "executions")
        assert "Times are in your zone, Europe/Paris." in runs
        assert 'class="c-at"' in runs
        assert not any(f'class="{name}' in runs for name in ("c-run", "c-by", "c-dur", "c-msg"))
    html = page(here, "preferences")
    assert 'value="Europe/Paris"' in html
    assert 'value="next" checked' in html
    assert 'value="strip">' in html
    untouched = page(other)
    assert not any(word in untouched for word in ('data-theme="', "data-density", 'data-keys="'))
    assert "c-strip" in untouched
    # A button of this browser goes before what is saved, until preferences are saved again.
    there.cookies["theme"] = "system"
    there.cookies["keys"] = "on"
    assert not any(word in page(there) for word in ('data-theme="', 'data-keys="'))


def test_a_wrong_preference_is_told_at_its_field_and_nothing_is_saved(
    viewer_client: Client,
) -> None:
    answer = viewer_client.post(
        reverse("preferences"),
        {"time_zone": "Mars/Olympus", "language": "tlh", "theme": "pink", "density": "airy"},
    )

    html = answer.content.decode()
    assert answer.status_code == 422
    assert "Mars/Olympus" in html
    assert "The time zone Mars/Olympus does not exist." in html
    # Each at its field, and at the top of the form.
    assert html.count("is not allowed. Use ") == 2 * 3
    assert not Preference.objects.exists()


def test_all_columns_stay_all_when_a_later_version_has_more(db: None) -> None:
    user = make_user("vera")
    every = ["last", "next", "schedule", "strip", "success"]

    row = preferences.save(user, preferences.parse_preferences({"job_columns": every}))
    some = preferences.save(user, preferences.parse_preferences({"job_columns": ["last", "next"]}))

    assert row.job_columns is None
    assert some.job_columns == ["next", "last"]


def test_a_filter_is_kept_opened_and_removed_by_its_owner_alone(db: None) -> None:
    anna, eve = make_user("anna", Role.ADMINISTRATOR), make_user("eve", Role.ADMINISTRATOR)
    client, other = signed_in(anna), signed_in(eve)

    for name, query in (
        ("jobs", "q=backup&state=failing&page=3"),
        ("executions", "result=failed&before=17"),
        ("alerts", "phase=all&severity=critical&after=17"),
        ("audit", "actor=anna&zone=UTC"),
    ):
        kept = client.post(
            reverse("filter_keep"), {"page": name, "name": " My  bad ones ", "query": query}
        )
        made = SavedFilter.objects.get(page=name)
        assert kept["Location"] == f"{reverse(name)}?{made.query}"
        assert (made.name, made.user) == ("My bad ones", anna)
        assert "page=" not in made.query
        assert "before=" not in made.query
        assert "after=" not in made.query
        html = page(client, name)
        assert f'href="{reverse(name)}?{made.query.replace("&", "&amp;")}">My bad ones</a>' in html
        assert "My bad ones" not in page(other, name)

    row = SavedFilter.objects.get(page="audit")
    foreign = other.post(reverse("filter_drop", args=[row.pk]), headers={"HX-Request": "true"})
    assert foreign.status_code == 404
    client.post(reverse("filter_drop", args=[row.pk]))
    assert "My bad ones" not in page(client, "audit").replace("Removed the filter My bad ones", "")
    assert SavedFilter.objects.count() == 3


def test_with_a_script_the_page_s_address_is_the_filter(viewer_client: Client) -> None:
    answer = viewer_client.post(
        reverse("filter_keep"),
        {"page": "jobs", "name": "typed", "query": "q=old"},
        headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/jobs/?q=new&page=2"},
    )

    assert answer["HX-Redirect"] == "/jobs/?q=new"


def test_a_filter_that_cannot_be_kept_is_told(viewer_client: Client) -> None:
    def keep(**fields: str) -> tuple[int, str]:
        asked = {"page": "jobs", "name": "x", "query": "q=a", **fields}
        answer = viewer_client.post(
            reverse("filter_keep"), asked, headers={"HX-Request": "true", "HX-Current-URL": ""}
        )
        return answer.status_code, answer.content.decode()

    assert keep()[0] == 200
    assert "a filter named x already" in keep()[1]
    assert keep(query="page=2") == keep(query="")
    assert "Nothing is filtered" in keep(query="zone=UTC")[1]
    assert "is no name" in keep(name="  ")[1]
    assert keep(page="people")[0] == 400
    assert keep(name="y", query="q=" + "a" * 1100)[0] == 400
    for number in range(preferences.MOST_FILTERS):
        keep(name=str(number))
    assert "Remove one first" in keep(name="one more")[1]
    assert SavedFilter.objects.count() == preferences.MOST_FILTERS


def test_who_sees_some_jobs_only_has_preferences_too(db: None) -> None:
    lena = make_user("lena")
    access.grant(lena, Role.VIEWER, tag="mine", actor=SYSTEM)
    client = signed_in(lena)

    saved = client.post(reverse("preferences"), {"theme": "dark", "density": "compact"})

    assert saved.status_code == 303
    assert 'data-theme="dark"' in page(client)
    asked = {"page": "jobs", "name": "x", "query": "q=a"}
    assert client.post(reverse("filter_keep"), asked).status_code == 303
    assert [one.name for one in preferences.filters_of(lena, FilterPage.JOBS)] == ["x"]
