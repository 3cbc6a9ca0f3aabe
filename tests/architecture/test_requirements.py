"""Each row of the requirements names a test that stands, or says why there is none."""

from __future__ import annotations

import pytest

from tests import requirements


@pytest.mark.parametrize("seed", requirements.SEEDS)
def test_each_row_is_shown_by_a_test_or_says_why_not(seed: str) -> None:
    rows = requirements.rows(seed)

    assert [row.id for row in rows if not (row.tests or row.reason)] == []
    assert [test for row in rows for test in row.tests if not requirements.exists(test)] == []
    assert len({row.id for row in rows}) == len(rows)


def test_the_page_of_the_rows_is_up_to_date() -> None:
    written = requirements.TABLE.read_text()

    assert written == requirements.table(), "run `python -m tests.requirements`"
