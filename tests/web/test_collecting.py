"""What a page was made of goes as soon as it is written, or soon after, not within later answers."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest
from django.template import engines
from django.test import RequestFactory

from jobs.web.collecting import ENOUGH, SET_APART_AFTER, Collector


class Row:
    """Something that a page shows."""

    def __init__(self) -> None:
        """Know oneself, as rows of a database know each other."""
        self.circle: Row | None = None


@pytest.fixture(autouse=True)
def python_collects_nothing_by_itself() -> Iterator[None]:
    """Leave it to what is tested, and nothing set apart for the tests that follow."""
    gc.disable()
    yield
    gc.unfreeze()
    gc.enable()


def test_a_template_lets_go_of_what_it_rendered() -> None:
    """Django itself would keep it in a circle."""
    row = Row()
    known = weakref.ref(row)
    template = engines.all()[0].from_string("{% with one=row %}{{ one.circle }}{% endwith %}")

    text = template.render({"row": row}, RequestFactory().get("/"))
    del row

    assert text == "None"
    assert known() is None


def test_circles_go_between_answers_once_there_are_enough() -> None:
    """One answer leaves too little to look for; those before it left enough."""
    gc.collect()
    collector = Collector()
    row = Row()
    row.circle = row
    known = weakref.ref(row)
    gc.collect(1)  # as Python does while a page is made: the row is old now
    del row

    collector.answered()
    assert known() is not None

    for _ in range(ENOUGH):
        gc.collect(1)
    collector.answered()
    assert known() is None


def test_what_is_loaded_is_set_apart_after_some_answers() -> None:
    """What Python has set apart it does not look through; a circle is collected before."""
    gc.unfreeze()
    row = Row()
    row.circle = row
    known = weakref.ref(row)
    del row
    collector = Collector()

    for _ in range(SET_APART_AFTER[0] - 1):
        collector.answered()
    assert gc.get_freeze_count() == 0

    collector.answered()
    assert gc.get_freeze_count() > 0
    assert known() is None
