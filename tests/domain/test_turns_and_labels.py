"""The bound of starvation, and which cluster may take what."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.domain.errors import InvalidError
from jobs.domain.labels import check_labels, covers, joined, split
from jobs.domain.turns import EVERY, Turns


@given(st.lists(st.integers(1, 40), min_size=1, max_size=60))
def test_of_any_ten_turns_in_a_row_one_goes_to_the_oldest(portions: list[int]) -> None:
    turns = Turns()
    oldest: list[bool] = []  # by turn; a portion's turns for the oldest come first in it

    for wanted in portions:
        found = turns.for_oldest(wanted)
        assert 0 <= found <= wanted
        oldest += [True] * found + [False] * (wanted - found)
        turns.count(wanted)

    assert sum(oldest) == len(oldest) // EVERY
    for start in range(len(oldest) - 2 * EVERY - 40):
        assert any(oldest[start : start + 2 * EVERY + 40])


def test_turns_that_took_nothing_do_not_count() -> None:
    turns = Turns()
    turns.count(EVERY - 1)

    assert turns.for_oldest(1) == 1
    assert turns.for_oldest(1) == 1

    turns.count(1)
    assert turns.for_oldest(EVERY - 1) == 0


def test_a_cluster_serves_what_requires_a_part_of_its_labels() -> None:
    labels = ["gpu", "region=eu"]

    assert covers(labels, "")
    assert covers(labels, "region=eu")
    assert covers(labels, joined(["region=eu", "gpu"]))
    assert not covers(labels, "region=us")
    assert not covers([], "gpu")
    assert split(joined(["b", "a", "b"])) == ["a", "b"]


@pytest.mark.parametrize("label", ["", "a b", "a,b", "=x", "x=", "a=b=c", "é", "x" * 60])
def test_a_wrong_label_is_named(label: str) -> None:
    with pytest.raises(InvalidError, match="Use a word like gpu"):
        check_labels([label])
