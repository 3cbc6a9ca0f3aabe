"""The OpenAPI document describes what the API does, and nothing that follows it breaks the API."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.config import SchemathesisConfig
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from jobs.api import v1
from jobs.api.job_examples import EXAMPLE_JOB
from jobs.domain.permissions import Role
from scheduler_site.wsgi import application
from tests.api.callers import Caller, caller
from tests.factories import make_execution, make_job
from tests.inprocess import one_connection

# An answer has a status, a type and a shape that the document names.
AS_DOCUMENTED = [status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture
def document(as_viewer: Caller) -> dict[str, Any]:
    """Return the document as a caller gets it."""
    found: dict[str, Any] = as_viewer.get("/openapi.json").json
    return found


def test_every_operation_has_words_refusals_and_security(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert set(document["components"]["securitySchemes"]) == {
        "BearerToken",
        "BasicPassword",
        "SessionCookie",
    }
    for operations in document["paths"].values():
        for operation in operations.values():
            assert operation["summary"]
            assert {"BearerToken": []} in operation["security"]
            assert {"400", "401", "403", "404"} <= set(operation["responses"])


def test_the_document_shows_the_job_definition_with_examples(document: dict[str, Any]) -> None:
    body = document["paths"]["/api/v1/jobs"]["post"]["requestBody"]["content"]["application/json"]

    assert body["schema"]["$ref"].endswith("/JobDefinition")
    schema = document["components"]["schemas"]["JobDefinition"]
    assert set(schema["required"]) == {"name", "type"}
    assert {"spec", "schedules", "retry", "overlap", "paused"} <= set(schema["properties"])
    assert EXAMPLE_JOB in [example["value"] for example in body["examples"].values()]


def test_the_examples_of_definitions_are_accepted(
    as_editor: Caller, document: dict[str, Any]
) -> None:
    content = document["paths"]["/api/v1/jobs"]["post"]["requestBody"]["content"]

    for example in content["application/json"]["examples"].values():
        assert as_editor.post("/jobs", example["value"]).status == 201


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            return own + [ref for child in value.values() for ref in references(child)]
        if isinstance(value, list):
            return [ref for child in value for ref in references(child)]
        return []

    known = document["components"]["schemas"]
    assert {ref.removeprefix("#/components/schemas/") for ref in references(document)} <= set(known)


def operations(document: dict[str, Any]) -> list[Any]:
    schema = schemathesis.openapi.from_dict(document, config=SchemathesisConfig())
    schema.app = application
    return [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]


def broken_by(operation: Any, headers: dict[str, str], *, examples: int) -> int:
    """Send requests that the document allows; return how many were sent, fail on the first 5xx."""
    sent = 0

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), known=st.booleans())
    def send(case: Any, known: bool) -> None:
        nonlocal sent
        if known and case.path_parameters:  # else nearly every id is unknown
            case.path_parameters = dict.fromkeys(case.path_parameters, 1)
        response = case.call(headers=headers)
        assert response.status_code < 500, (operation.label, response.text)
        case.validate_response(response, checks=AS_DOCUMENTED)
        kind = {name.lower(): values for name, values in response.headers.items()}["content-type"]
        assert response.status_code < 400 or kind == ["application/problem+json"]
        sent += 1

    send()
    return sent


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("examples", "each"),
    [
        (1, 5),
        pytest.param(1, 1, marks=pytest.mark.long),
        pytest.param(20, 1, marks=pytest.mark.soak),
    ],
)
def test_no_request_that_follows_the_document_breaks_the_server(
    examples: int, each: int, document: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Send so many requests to each so many operations."""
    monkeypatch.setattr("jobs.api.v1.jobs.MAX_WAIT", 0)
    monkeypatch.setattr("jobs.api.v1.executions.MAX_WAIT", 0)
    headers = caller(Role.ADMINISTRATOR).headers
    make_execution(make_job())

    with one_connection():
        sent = {
            one.label: broken_by(one, headers, examples=examples)
            for one in operations(document)[::each]
        }

    known = sum(len(found) for found in document["paths"].values())
    assert len(sent) == len(range(0, known, each))
    assert all(count >= examples / 2 for count in sent.values()), sent


def test_no_two_models_share_a_name() -> None:
    """One would take the place of the other in the document."""
    found: dict[str, set[str]] = {}
    for file in sorted(Path(v1.__path__[0]).glob("*.py")):
        for name in re.findall(
            r"^class (\w+)\((?:BaseModel|Schema|\w+Document)", file.read_text(), re.MULTILINE
        ):
            found.setdefault(name, set()).add(file.stem)

    assert {name: files for name, files in found.items() if len(files) > 1} == {}
