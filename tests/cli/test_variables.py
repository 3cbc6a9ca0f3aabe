"""`jobctl variable`."""

from __future__ import annotations

import pytest

from jobs.models import Variable
from tests.cli.conftest import Jobctl
from tests.factories import make_job

pytestmark = pytest.mark.django_db


def test_a_variable_is_set_listed_and_deleted(jobctl: Jobctl) -> None:
    job = make_job(name="dump", spec={"command": "ping {{host}}"})

    first = jobctl("variable", "set", "host", "a.lan")
    second = jobctl("variable", "set", "host", "b.lan")
    own = jobctl("variable", "set", "host", "c.lan", "--job", "dump")
    listed = jobctl("variable", "list")

    assert first.out == "Variable 'host' created (all jobs)\n"
    assert second.out == "Variable 'host' changed (all jobs)\n"
    assert own.out == "Variable 'host' created (job dump)\n"
    assert [line.split()[-1] for line in listed.lines[1:3]] == ["b.lan", "c.lan"]
    refused = jobctl("variable", "delete", "host", "--job", "dump")
    assert refused.code == 1
    assert "dump" in refused.err
    assert jobctl("variable", "delete", "host", "--job", "dump", "--yes").code == 0
    assert Variable.objects.filter(job=job).count() == 0
    assert jobctl("variable", "delete", "none").code == 1


def test_a_secret_is_not_shown(jobctl: Jobctl) -> None:

    made = jobctl("variable", "set", "key", "canary-7f3a", "--secret")
    changed = jobctl("variable", "set", "key", "canary-7f3b", "--json")
    listed = jobctl("variable", "list")

    assert made.out == "Secret 'key' created (all jobs)\n"
    assert changed.json["secret"] is True
    assert "(secret)" in listed.lines[1]
    assert "canary" not in made.out + changed.out + listed.out
