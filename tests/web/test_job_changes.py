"""Many jobs changed at once: what would change, what became of each, and the way back."""

from __future__ import annotations

import html
import re
from urllib.parse import urlencode

from django.test import Client
from django.urls import reverse

from jobs.domain.permissions import SYSTEM, Role
from jobs.models import Execution, Job
from jobs.services import access
from jobs.services import jobs as job_services
from tests.conftest import signed_in
from tests.factories import cron, every, make_execution, make_job, make_user

URL = "/jobs/change/"


def look(client: Client, **asked: object) -> str:
    answer = client.get(f"{URL}?{urlencode(asked, doseq=True)}")
    assert answer.status_code in (200, 422)
    return html.unescape(answer.content.decode())


def chosen(page: str) -> list[str]:
    return re.findall(r'name="job" value="(\d+:\d+)"', page)


def do(client: Client, page: str, **asked: object) -> str:
    answer = client.post(URL, {"job": chosen(page), **asked})
    assert answer.status_code == 200, answer.content
    return html.unescape(answer.content.decode())


def test_tags_queue_and_times_of_all_that_match_change_and_come_back(
    editor_client: Client,
) -> None:
    nightly = make_job(name="a-nightly", tags=["old", "x"], schedules=[cron("50 23 * * mon-fri")])
    daily = make_job(name="a-daily", schedules=[cron("0 2 * * *"), every(600)])
    hourly = make_job(name="a-interval", tags=["new", "x"], queue="slow", schedules=[every(3600)])
    stuck = make_job(name="a-monthly", schedules=[cron("50 23 1 * *")])
    other = make_job(name="other", schedules=[cron("0 2 * * *")])
    asked = {"add_tags": "new, x", "remove_tags": "old", "queue": "slow", "minutes": "20"}

    page = look(editor_client, all=1, q="a-", do="edit", **asked)

    assert "4 jobs are chosen." in page
    assert [int(one.partition(":")[0]) for one in chosen(page)] == [daily.pk, nightly.pk]
    for text in (
        "<del>old, x</del> → <ins>x, new</ins>",
        "<del>default</del> → <ins>slow</ins>",
        "<del>50 23 * * mon-fri</del> → <ins>10 0 * * 2-6</ins>",
        "<ins>20 2 * * *, interval 10 min</ins>",
        "there is nothing to shift",
        "it names dates or months",
    ):
        assert text in page
    assert page.count("Left out:") == 2
    assert Job.objects.filter(version=1).count() == 5

    done = do(editor_client, page, do="edit", **asked)

    nightly.refresh_from_db()
    assert "Changed 2 jobs." in done
    assert (nightly.tags, nightly.queue, nightly.version) == (["new", "x"], "slow", 2)
    assert [row.expression for row in nightly.schedules.all()] == ["10 0 * * 2-6"]
    assert nightly.next_fire_at is not None
    assert (nightly.next_fire_at.hour, nightly.next_fire_at.minute) == (0, 10)
    assert {hourly.pk, stuck.pk, other.pk} == set(
        Job.objects.filter(version=1).values_list("pk", flat=True)
    )
    # Sent again, nothing moves twice: what was shown is gone.
    again = do(editor_client, page, do="edit", **asked)
    assert "2 refused." in again
    assert Job.objects.get(pk=nightly.pk).version == 2

    undone = do(editor_client, done, do="undo")

    nightly.refresh_from_db()
    assert "Took back the change of 2 jobs." in undone
    assert (nightly.tags, nightly.queue, nightly.version) == (["old", "x"], "default", 3)
    assert [row.expression for row in nightly.schedules.all()] == ["50 23 * * mon-fri"]


def test_pausing_resuming_running_and_deleting_tell_what_comes_next(editor_client: Client) -> None:
    one, two = (make_job(name=name, schedules=[cron("0 2 * * *")]) for name in ("one", "two"))
    stopped = make_job(name="stopped", schedules=[cron("0 3 * * *")], paused=True)
    ids = [one.pk, two.pk, stopped.pk]

    page = look(editor_client, id=ids, do="pause")
    assert "It is so already." in page
    paused = do(editor_client, page, do="pause")
    resumed = do(editor_client, paused, do="resume")
    assert "Paused 2 jobs." in paused
    assert "Resumed 2 jobs." in resumed
    assert set(Job.objects.filter(state="paused")) == {stopped}
    assert "03:00" in look(editor_client, id=[stopped.pk], do="resume")

    page = look(editor_client, id=ids, do="run")
    do(editor_client, page, do="run", key="k1")
    do(editor_client, page, do="run", key="k1")
    assert Execution.objects.count() == 3

    page = look(editor_client, id=ids, do="delete")
    refused = editor_client.post(URL, {"job": chosen(page), "do": "delete", "count": "2"})
    assert refused.status_code == 422
    assert "Type 3, the number of jobs" in refused.content.decode()
    assert Job.objects.present().count() == 3
    gone = do(editor_client, page, do="delete", count="3")
    assert "Deleted 3 jobs." in gone
    assert "Undo" not in gone
    assert not Job.objects.present().exists()


def test_the_bar_of_the_list_leads_to_the_page(editor_client: Client) -> None:
    job = make_job(name="one")
    bulk = reverse("jobs_bulk")

    by_hand = editor_client.post(bulk, {"do": "change", "id": [job.pk]})
    by_filter = editor_client.post(bulk, {"do": "pause", "all": "1", "filter": "q=on&tag=a"})
    scripted = editor_client.post(
        bulk, {"do": "delete", "id": [job.pk]}, headers={"HX-Request": "true"}
    )
    nothing = editor_client.post(bulk, {"do": "change"}, headers={"HX-Request": "true"})

    assert by_hand["Location"] == f"{URL}?id={job.pk}"
    assert by_filter["Location"] == f"{URL}?do=pause&all=1&q=on&tag=a"
    assert scripted["HX-Redirect"] == f"{URL}?do=delete&id={job.pk}"
    assert nothing.status_code == 400
    job.refresh_from_db()
    assert job.state == "active"


def test_what_a_person_may_not_touch_is_left_out_and_refused(operator_client: Client) -> None:
    mine, theirs = make_job(name="mine", tags=["mine"]), make_job(name="theirs")
    lena = make_user("lena")
    access.grant(lena, Role.EDITOR, tag="mine", actor=SYSTEM)
    client = signed_in(lena)

    page = look(client, id=[mine.pk, theirs.pk], do="edit", queue="slow")
    results = client.post(
        URL, {"job": [f"{mine.pk}:1", f"{theirs.pk}:1"], "do": "edit", "queue": "slow"}
    ).content.decode()

    assert "theirs" not in page
    assert chosen(page) == [f"{mine.pk}:1"]
    assert "theirs" not in results
    assert f"Job {theirs.pk} does not exist." in results
    assert Job.objects.get(pk=theirs.pk).queue == "default"
    assert Job.objects.get(pk=mine.pk).queue == "slow"
    no_edit = look(operator_client, id=[mine.pk], do="edit", queue="fast")
    assert "may not create or edit jobs" in no_edit
    assert chosen(no_edit) == []
    refused = operator_client.post(
        URL,
        {"job": [f"{mine.pk}:2"], "do": "edit", "queue": "fast"},
        headers={"HX-Request": "true"},
    )
    assert refused.status_code == 403
    assert Job.objects.get(pk=mine.pk).queue == "slow"


def test_a_change_that_makes_no_sense_is_told(editor_client: Client) -> None:
    job = make_job(name="one", queue="slow")
    job_services.update(job.pk, {"description": "later"}, actor=SYSTEM)

    def told(**asked: object) -> str:
        return look(editor_client, id=[job.pk], do="edit", **asked)

    assert "Nothing is to be changed." in told()
    assert "is not allowed" in told(queue="a b")
    assert "is not allowed" in told(add_tags="!!")
    assert "minutes" in told(minutes="soon")
    assert "too large" in told(minutes="999999")
    assert "It is so already." in told(queue="slow")
    assert "cannot be done to many jobs" in look(editor_client, id=[job.pk], do="explode")
    assert "No job is chosen" in look(editor_client, id=["x", 10**12])
    stale = editor_client.post(URL, {"job": [f"{job.pk}:1"], "do": "edit", "queue": "fast"})
    assert "1 refused." in stale.content.decode()
    assert Job.objects.get(pk=job.pk).queue == "slow"


def test_what_is_wrong_with_an_edit_stands_at_its_field_and_has_the_focus(
    editor_client: Client,
) -> None:
    job = make_job(name="one")

    page = look(editor_client, id=[job.pk], do="edit", queue="a b", minutes="soon", add_tags="new")

    assert re.search(r'class="note bad problems" role="alert" tabindex="-1" autofocus', page)
    for name, label in (("queue", "Move to the queue"), ("minutes", "Shift schedules by minutes")):
        assert f'{label}: <a href="#id_{name}">' in page
        assert f'id="id_{name}_error"' in page
        assert re.search(rf'<input[^>]*id="id_{name}"[^>]*aria-invalid="true"', page) or re.search(
            rf'<input[^>]*aria-invalid="true"[^>]*id="id_{name}"', page
        )
    assert 'value="new"' in page
    assert "queue: Queue" not in page


def test_what_changes_has_the_focus_unless_the_number_is_wrong(editor_client: Client) -> None:
    job = make_job(name="one")

    page = look(editor_client, id=[job.pk], do="delete")
    refused = editor_client.post(URL, {"job": chosen(page), "do": "delete", "count": "2"})

    assert '<h2 tabindex="-1" autofocus>What changes</h2>' in page
    wrong = refused.content.decode()
    assert wrong.count("autofocus") == page.count("autofocus")
    assert '<a href="#count">Type 1, the number of jobs, to delete them.</a>' in wrong


def test_deleting_many_tells_what_is_lost_with_each(editor_client: Client) -> None:
    running, first, second = (make_job(name=name) for name in ("running", "first", "second"))
    make_execution(running)
    both = [{"job": "first", "on": "success"}, {"job": "second", "on": "success"}]
    waits = make_job(name="waits", depends_on=both)

    page = look(editor_client, id=[running.pk, first.pk, second.pk], do="delete")
    alone = look(editor_client, id=[first.pk], do="delete")
    together = look(editor_client, id=[first.pk, waits.pk], do="delete")

    assert "1 run is in progress; it is killed." in page
    assert page.count("waits waits for it, and will do so no more.") == 2
    assert page.count("waits has no schedule and waits for no other job") == 2
    assert "waits waits for it" in alone
    assert "waits has no schedule" not in alone
    assert "waits waits for it" not in together
