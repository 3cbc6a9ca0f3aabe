"""What people see of literal secrets in a definition who may not edit it."""

from __future__ import annotations

import time

import pytest

from jobs.domain.disclosure import (
    definition_for,
    looks_secret,
    masked,
    masked_at,
    sees_answers,
    value_for,
)
from jobs.domain.permissions import Actor, Role

VIEWER = Actor(name="vera", role=Role.VIEWER)
OPERATOR = Actor(name="otto", role=Role.OPERATOR)
EDITOR = Actor(name="edda", role=Role.EDITOR)


@pytest.mark.parametrize(
    "name",
    ["DB_PASSWORD", "dbpassword", "PGPASSWORD", "DB_PASS", "dbPass", "API_KEY", "apiKey", "AWS_SECRET",
     "AUTH", "Authorization", "Proxy-Authorization", "X-Api-Key", "Cookie", "GITHUB_TOKEN",
     "SSH_PRIVATE_KEY", "SENTRY_DSN", "passphrase"],
)  # fmt: skip
def test_names_that_look_secret(name: str) -> None:
    assert looks_secret(name)


@pytest.mark.parametrize(
    "name", ["CITY", "PATH", "MONKEY", "KEYBOARD", "COMPASS", "author", "Accept"]
)
def test_names_that_do_not(name: str) -> None:
    assert not looks_secret(name)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("curl https://ann:s3cret@host/x", "curl https://ann:***@host/x"),
        ("postgres://ann:s3@cret@host/db", "postgres://ann:***@host/db"),
        ("redis://:s3cret@host", "redis://:***@host"),
        ("https://ann:{{pass}}@host", "https://ann:{{pass}}@host"),
        ("https://host:8080/a@b", "https://host:8080/a@b"),
        ("https://host/?api_key=s3cret&x=1", "https://host/?api_key=***&x=1"),
        ("DB_PASS=s3cret CITY=Paris ./run", "DB_PASS=*** CITY=Paris ./run"),
        ("export TOKEN='s3 cret'; run", "export TOKEN=***; run"),
        ("DB_PASS=$OTHER ./run", "DB_PASS=$OTHER ./run"),
        ("run --password s3cret --verbose yes", "run --password *** --verbose yes"),
        ("run --password=s3cret", "run --password=***"),
        ('curl -H "Authorization: Bearer s3cret" x', 'curl -H "Authorization: ***" x'),
        ('curl -H "Authorization: Bearer {{token}}" x', 'curl -H "Authorization: Bearer {{token}}" x'),
        ("echo time: 10:30 key", "echo time: 10:30 key"),
    ],
)  # fmt: skip
def test_texts_lose_only_the_secret(text: str, shown: str) -> None:
    assert masked(text) == shown


def test_fields_are_masked_by_their_names_at_any_depth() -> None:
    definition = {
        "environment": {"DB_PASSWORD": "s3cret", "CITY": "Paris", "API_KEY": "{{key}}", "PASS": ""},
        "spec": {
            "headers": {"authorization": "Bearer s3cret", "Accept": "json"},
            "body": {"user": {"password": 1234, "tokens": ["s3cret", None], "secret": True}},
        },
        "retry": {"on": ["error"]},
    }

    assert masked(definition) == {
        "environment": {"DB_PASSWORD": "***", "CITY": "Paris", "API_KEY": "{{key}}", "PASS": ""},
        "spec": {
            "headers": {"authorization": "***", "Accept": "json"},
            "body": {"user": {"password": "***", "tokens": ["***", None], "secret": True}},
        },
        "retry": {"on": ["error"]},
    }
    assert definition_for(EDITOR, definition) == definition
    assert definition_for(OPERATOR, definition) == definition_for(VIEWER, definition)
    assert definition_for(VIEWER, definition) == masked(definition)


def test_a_value_is_judged_with_its_name() -> None:
    assert value_for(VIEWER, "db_pass", "s3cret") == "***"
    assert value_for(VIEWER, "db", "pg://a:s3cret@h") == "pg://a:***@h"
    assert value_for(VIEWER, "city", "Paris") == "Paris"
    assert value_for(EDITOR, "db_pass", "s3cret") == "s3cret"


def test_answers_of_servers_are_for_operators() -> None:
    seen = [sees_answers(actor, "http") for actor in (VIEWER, OPERATOR, EDITOR)]

    assert seen == [False, True, True]
    assert sees_answers(VIEWER, "command")


@pytest.mark.parametrize("piece", ["a", "a-", "a.", "a=", "--a ", "a:", "a://", '"', 'x="'])
def test_a_long_text_costs_no_square(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    begun = time.process_time()

    masked(text)

    assert time.process_time() - begun < 2


@pytest.mark.parametrize(
    ("definition", "place"),
    [
        ({"environment": {"CITY": "Paris", "DB_PASS": "hunter22"}}, "environment.DB_PASS"),
        ({"spec": {"headers": {"Authorization": "Bearer abcdefgh"}}}, "spec.headers.Authorization"),
        ({"spec": {"command": "DB_PASS='hunter22' dump"}}, "spec.command"),
        ({"spec": {"command": "dump --password hunter22"}}, "spec.command"),
        ({"spec": {"script": "curl -H 'X-Api-Key: hunter22' http://x"}}, "spec.script"),
        ({"spec": {"urls": ["http://x", "https://u:hunter22@x/"]}}, "spec.urls.1"),
    ],
)
def test_a_masked_definition_tells_where_its_masks_are(
    definition: dict[str, object], place: str
) -> None:
    assert masked_at(definition) is None
    assert masked_at(masked(definition)) == place


@pytest.mark.parametrize(
    "text", ["echo '*** done ***'", "ls ***", "CITY=*** go", "--size ***", "https://x/***@y"]
)
def test_stars_that_hide_nothing_are_no_mask(text: str) -> None:
    assert masked_at({"spec": {"command": text}, "tags": ["***"]}) is None
