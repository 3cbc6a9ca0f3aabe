"""Variables and secrets: sealed at rest, filled in for a run, told to nobody."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.core.serializers import serialize
from django.db import IntegrityError, transaction
from pytest_django import DjangoAssertNumQueries, Settings

from jobs import checks
from jobs.domain.errors import (
    DuplicateError,
    ForbiddenError,
    InvalidError,
    StateError,
    UnprocessableError,
)
from jobs.domain.permissions import SYSTEM, Actor, Role
from jobs.domain.variables import Use
from jobs.models import AuditEntry, Job, JobVersion, Variable
from jobs.queries.variables import jobs_naming, named_by, unknown_in
from jobs.services import jobs as job_services
from jobs.services import rendering, running, secret_box, variables
from jobs.services.parameter_definitions import opened
from jobs.services.stored_definitions import definition_of
from tests.factories import make_execution, make_job

pytestmark = pytest.mark.django_db
EDDA = Actor(name="edda", role=Role.EDITOR)
VALUE = "hunter2-and-more"


@pytest.fixture(autouse=True)
def _own_keys(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path


def make(name: str = "password", value: str = VALUE, **fields: Any) -> Variable:
    definition = variables.parse_variable({"name": name, "value": value, **fields})
    return variables.create(definition, actor=EDDA)


def change(row: Variable, **fields: Any) -> Variable:
    return variables.update(row.pk, variables.parse_changes(fields), actor=EDDA)


def started(job: Job) -> running.Running:
    """Return an execution as its runner loads it."""
    now = datetime.now(UTC)
    execution = make_execution(job, state="running", started_at=now, token="t", attempt=1)
    return running.load(execution.pk)


def test_a_secret_is_sealed_and_its_value_stands_in_no_table() -> None:
    """S4-95."""
    row = make(secret=True)

    stored = Variable.objects.get(pk=row.pk)
    assert (stored.value, stored.sealed != "") == ("", True)
    assert VALUE not in serialize("json", [stored, *AuditEntry.objects.all()])
    assert secret_box.unseal(stored.sealed) == VALUE


def test_the_key_file_is_made_once_outside_the_database_for_its_owner_only() -> None:
    assert not secret_box.key_file().exists()
    make(secret=True)
    first = secret_box.key_file().read_text()
    make("other", secret=True)

    assert secret_box.key_file().read_text() == first
    assert secret_box.key_file().stat().st_mode & 0o777 == 0o600
    assert not list(secret_box.key_file().parent.glob(".secret_keys*"))


def test_a_run_gets_values_and_the_definition_keeps_placeholders() -> None:
    make(secret=True)
    make("host", "db.lan")
    make("host", "own.lan", job_id=(job := make_job(
        spec={"command": "dump {{ host }} {{{{x"}, environment={"PGPASSWORD": "{{password}}"}
    )).pk)  # fmt: skip

    given = rendering.render(started(job))

    assert given.spec["command"] == "dump own.lan {{x"  # its own goes before the global one
    assert given.environment == {"PGPASSWORD": VALUE}
    assert definition_of(job)["environment"] == {"PGPASSWORD": "{{password}}"}
    assert VALUE not in json.dumps(list(JobVersion.objects.values_list("definition", flat=True)))


def test_a_value_is_not_looked_at_again() -> None:
    make("a", "{{b}} {{7*7}} $(id)")
    make("b", "wrong")

    given = rendering.render(started(make_job(spec={"command": "echo {{a}}"})))

    assert given.spec["command"] == "echo {{b}} {{7*7}} $(id)"


def test_the_variables_of_another_job_are_unknown() -> None:
    make("mine", "x", job_id=make_job().pk)

    with pytest.raises(UnprocessableError, match=r"^unknown variable mine in command$"):
        rendering.render(started(make_job(spec={"command": "echo {{mine}}"})))


def test_every_secret_of_the_scope_is_masked_named_or_not() -> None:
    job = make_job()
    make(secret=True)
    make("own", "correct-horse", secret=True, job_id=job.pk)
    make("foreign", "not-for-it", secret=True, job_id=make_job().pk)
    make("plain", "to-be-seen")

    mask = rendering.secrets_of(started(job))

    assert mask.text(f"{VALUE} correct-horse not-for-it to-be-seen") == (
        "*** *** not-for-it to-be-seen"
    )


def test_an_installation_without_variables_reads_none(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    make("elsewhere", "x", job_id=make_job().pk)
    job = make_job()
    execution = make_execution(job, state="running", started_at=datetime.now(UTC), token="t")

    with django_assert_num_queries(1):
        found = running.load(execution.pk)

    assert found.variables == ()


def test_a_missing_key_fails_the_run_with_words_and_only_of_jobs_that_name_the_secret() -> None:
    make(secret=True)
    secret_box.key_file().unlink()
    naming = started(make_job(spec={"command": "echo {{password}}"}))
    other = started(make_job(spec={"command": "true"}))

    with pytest.raises(UnprocessableError, match="secret password in command cannot be opened"):
        rendering.render(naming)
    assert rendering.render(other).spec == {**other.spec}
    assert not rendering.secrets_of(naming)
    assert not secret_box.key_file().exists()


def test_keys_rotate_and_old_ones_open_until_all_is_sealed_anew(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    row = make(secret=True)
    old = secret_box.keys()[0]
    given = {"key": {"sealed": secret_box.seal("open sesame")}, "day": "2026-01-31"}
    run = make_execution(state="succeeded", parameters=given)
    make_execution(state="succeeded", parameters={"day": "2026-01-31"})
    call_command("rotate_secrets", new_key=True)
    new = secret_box.keys()[0]
    row.refresh_from_db()
    run.refresh_from_db()

    assert secret_box.keys() == (new, old)
    assert "2 secrets sealed" in capsys.readouterr().out
    settings.JOBDECK = {**django_settings.JOBDECK, "SECRET_KEYS": [new]}
    assert opened(run.parameters) == {"key": "open sesame", "day": "2026-01-31"}
    settings.JOBDECK = {**django_settings.JOBDECK, "SECRET_KEYS": [new]}
    assert secret_box.unseal(row.sealed) == VALUE
    settings.JOBDECK = {**django_settings.JOBDECK, "SECRET_KEYS": [old]}
    with pytest.raises(secret_box.SealedError):
        secret_box.unseal(row.sealed)
    with pytest.raises(CommandError, match=f"password, the parameters of execution {run.pk}"):
        call_command("rotate_secrets")


def test_a_malformed_key_is_told_without_showing_it(settings: Settings) -> None:
    settings.JOBDECK = {**django_settings.JOBDECK, "SECRET_KEYS": ["not-a-key"]}

    fault = secret_box.fault()

    assert fault is not None
    assert "Secret key 1 of 1 is no key" in fault
    assert "not-a-key" not in fault


def test_the_audit_names_what_changed_and_no_secret() -> None:
    row = make("plain", "before")
    change(row, value="after")
    change(row, secret=True)
    change(row, value=VALUE)
    change(row, value="now plain", secret=False)
    variables.delete(row.pk, actor=EDDA)

    entries = list(AuditEntry.objects.filter(object_type="variable").order_by("pk"))
    assert [entry.action.partition(".")[2] for entry in entries] == [
        "create", "update", "update", "update", "update", "delete",
    ]  # fmt: skip
    assert (entries[1].before, entries[1].after, entries[1].note) == ({}, {}, "new value")
    assert (entries[2].before, entries[2].after) == ({"secret": False}, {"secret": True})
    assert (entries[3].before, entries[3].note) == ({}, "new value")
    # What was plain once may be a secret later, and entries stay for ever.
    written = json.dumps([[entry.before, entry.after, entry.note] for entry in entries])
    assert not [value for value in ("now plain", VALUE) if value in written]


def test_a_secret_becomes_plain_only_with_a_new_value() -> None:
    row = make(secret=True)

    with pytest.raises(InvalidError, match="not shown again"):
        change(row, secret=False)

    changed = change(row, secret=False, value="public")
    assert (changed.secret, changed.value, changed.sealed) == (False, "public", "")


def test_a_change_of_words_keeps_value_and_age() -> None:
    row = make(secret=True)

    changed = change(row, description="of the database")

    assert (changed.changed_at, changed.sealed) == (row.changed_at, row.sealed)


def test_a_variable_that_jobs_name_is_deleted_only_when_confirmed() -> None:
    row = make()
    make_job(name="dump", environment={"P": "{{ password }}"})
    make_job(name="other", spec={"command": "echo {{{{password}}"})
    own = make_job(name="own", spec={"command": "echo {{password}}"})
    make("password", "x", job_id=own.pk)

    assert [one.name for one in jobs_naming(row)] == ["dump"]
    with pytest.raises(StateError, match="named by dump: without it"):
        variables.delete(row.pk, actor=EDDA)

    variables.delete(row.pk, actor=EDDA, confirmed=True)
    assert not Variable.objects.filter(pk=row.pk).exists()


def test_names_that_nothing_stands_behind_are_found_before_a_run() -> None:
    make("known", "x")
    job = make_job(
        spec={"command": "{{known}} {{later}}"}, working_dir="{{later}}", environment={"A": "x"}
    )

    names = named_by(definition_of(job), job.pk)

    assert [(one.name, one.places) for one in names] == [
        ("known", ["command"]),
        ("later", ["command", "working_dir"]),
    ]
    assert [one.name for one in unknown_in(definition_of(job), job.pk)] == ["later"]
    assert Use("later", "command") in [Use(one.name, one.places[0]) for one in names]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"spec": {"command": "echo {{7*7}}"}}, "spec.command"),
        ({"environment": {"A": "{{a.b}}"}}, "environment"),
        ({"working_dir": "{{}}"}, "working_dir"),
    ],
)
def test_a_job_with_another_expression_is_refused(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidError, match="nothing is calculated") as refusal:
        make_job(**fields)

    assert any(key.startswith(field) for key in refusal.value.fields)


def test_the_variables_of_a_job_go_with_it() -> None:
    job = make_job()
    make(secret=True, job_id=job.pk)

    job_services.delete(job.pk, actor=SYSTEM)

    assert not Variable.objects.exists()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": "a-b"}, "no digit first"),
        ({"value": "x" * 65_537}, "65,537 bytes"),
        ({"value": "ä" * 40_000}, "80,000 bytes"),
        ({"value": "a\0b"}, "NUL"),
        ({"value": 12345678}, "not a text"),
        ({"value": None}, "not a text"),
        ({"job_id": 99_999}, "does not exist"),
        ({"secret": "yes"}, "secret"),
        ({"colour": "x"}, "does not exist"),
    ],
)
def test_a_wrong_variable_is_refused(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidError, match=words) as refusal:
        make(**{"name": "fine", **fields})

    assert "12345678" not in refusal.value.message
    assert not Variable.objects.exists()


def test_a_name_is_taken_once_in_each_scope() -> None:
    job = make_job()
    make()
    make(job_id=job.pk)

    with pytest.raises(DuplicateError):
        make()
    with pytest.raises(DuplicateError):
        make(job_id=job.pk)
    now = datetime.now(UTC)
    twin = Variable(scope="global", name="password", created_at=now, changed_at=now)
    with pytest.raises(IntegrityError), transaction.atomic():
        twin.save()


def test_an_operator_may_not_change_variables() -> None:
    otto = Actor(name="otto", role=Role.OPERATOR)
    row = make()

    with pytest.raises(ForbiddenError):
        variables.create(variables.parse_variable({"name": "x", "value": ""}), actor=otto)
    with pytest.raises(ForbiddenError):
        variables.update(row.pk, variables.parse_changes({"value": ""}), actor=otto)
    with pytest.raises(ForbiddenError):
        variables.delete(row.pk, actor=otto, confirmed=True)
    with pytest.raises(ForbiddenError):
        variables.rotate(actor=EDDA)


def test_the_check_tells_of_secrets_without_a_key() -> None:
    make(secret=True)
    assert checks.check_secrets_open(None, databases=["default"]) == []
    secret_box.key_file().unlink()

    (warning,) = checks.check_secrets_open(None, databases=["default"])

    assert "password" in warning.msg
    assert VALUE not in warning.msg
    assert checks.check_secret_keys(None) == []
