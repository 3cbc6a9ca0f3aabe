"""`jobctl dependencies`."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Jobctl
from tests.factories import make_job
from tests.services.test_dependencies import run, serve

pytestmark = pytest.mark.django_db


def test_the_tree_is_told_as_text_and_as_json(jobctl: Jobctl) -> None:
    load, fetch = make_job(name="load"), make_job(name="fetch")
    make_job(name="report", depends_on=["load", {"job": "fetch", "on": "done"}])
    make_job(name="mail", depends_on=[{"job": "report", "on": "failure"}], paused=True)
    number = run(load)
    serve()

    told = jobctl("dependencies", "Report")
    document = json.loads(jobctl("dependencies", "report", "--json").out)
    alone = jobctl("dependencies", make_job().name)

    assert told.lines == [
        "report",
        "  runs after",
        "    fetch [ended] never ran",
        f"    load [succeeded, met by #{number}] last succeeded",
        "  then run",
        "    mail [failed] never ran, paused",
        "  still waits for fetch",
    ]
    assert [node["id"] for node in document["upstream"]] == [fetch.pk, load.pk]
    assert "waits for no other job" in alone.out
    assert jobctl("dependencies", "nobody").code == 1
