"""What no table could take is refused on every face, and a wrong value is named."""

from __future__ import annotations

import pytest

from jobs.domain.errors import InvalidError
from jobs.services.definitions import parse_definition
from tests.factories import cron, definition


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"description": "a\0b"}, "holds a NUL character"),
        ({"spec": {"command": "echo \ud800"}}, "half of a surrogate pair"),
        ({"name": "two words"}, "Name 'two words' is not allowed"),
        ({"timeout_seconds": -5}, "-5 is too small. Use more than 0."),
        ({"overlap": "sometimes"}, "Use skip, queue, allow or cancel_running"),
        ({"schedules": [cron("* * * *")]}, "The expression '* * * *' has 4 fields"),
        ({"schedules": [cron("0 0 * * *", "Mars/X")]}, "The time zone Mars/X does not exist"),
        ({"workspace": "nowhere"}, "Workspace 'nowhere' does not exist"),
        ({"colour": "red"}, "colour: This field does not exist."),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(fields: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidError) as caught:
        parse_definition(definition(**fields))

    assert said in caught.value.message
