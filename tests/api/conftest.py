"""Fixtures of the API's tests: a caller for each role."""

from __future__ import annotations

import pytest

from jobs.domain.permissions import Role
from tests.api.callers import Caller, caller


@pytest.fixture
def stranger(db: None) -> Caller:
    """Return somebody without credentials."""
    return Caller()


@pytest.fixture
def as_viewer(db: None) -> Caller:
    """Return a viewer's token."""
    return caller(Role.VIEWER)


@pytest.fixture
def as_operator(db: None) -> Caller:
    """Return an operator's token."""
    return caller(Role.OPERATOR)


@pytest.fixture
def as_editor(db: None) -> Caller:
    """Return an editor's token."""
    return caller(Role.EDITOR)
