"""Patterns for the values that people type: a small part of regular expressions, matched in linear time.

Python's own `re` backtracks: `(a+)+b` keeps it busy for hours with a value of 40 letters, and a
server must not hang because of what somebody declared. Here all ways to match are followed side by
side, one step a character, so that the cost is at most the length of the value times the size of the
pattern. The price is that look-around, back-references and lazy repetition do not exist.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from jobs.domain.errors import InvalidError
from jobs.domain.said import said

LONGEST_PATTERN: Final = 200
# What a longer value costs is the product with this, so both are bounded.
MOST_STATES: Final = 500
MOST_STEPS: Final = 10 * MOST_STATES
DEEPEST: Final = 10
MOST_REPEATS: Final = 100

# One character: an escape, a set in brackets, the dot, or itself.
_ONE = re.compile(
    r"\\[dDwWsS]|\\[^A-Za-z0-9]|\[\^?(?:\\[dDwWsS]|\\[^A-Za-z0-9]|[^\]\[\\])+\]|\.|[^\\*+?{}()\[\]|.^$]"
)
_REPEAT = re.compile(r"\*|\+|\?|\{(\d{1,3})(,(\d{1,3})?)?\}")
_FIXED = {"*": (0, None), "+": (1, None), "?": (0, 1)}
# Python warns that these will mean something else in a set one day.
_AMBIGUOUS = re.compile(r"--|&&|~~|\|\|")


@dataclass(slots=True)
class _State:
    """One step: a character to take (None: none), and where to go on."""

    takes: re.Pattern[str] | None
    follow: list[int]


@dataclass(frozen=True, slots=True)
class _Sequence:
    parts: tuple[_Node, ...]


@dataclass(frozen=True, slots=True)
class _Choice:
    ways: tuple[_Node, ...]


@dataclass(frozen=True, slots=True)
class _Repeat:
    part: _Node
    least: int
    most: int | None


_Node = re.Pattern[str] | _Sequence | _Choice | _Repeat


class Pattern:
    """A pattern that a whole value must match; InvalidError says what it may not hold."""

    def __init__(self, text: str) -> None:
        """Read the pattern; a ``^`` at its beginning and a ``$`` at its end say nothing new."""
        if len(text) > LONGEST_PATTERN:
            raise InvalidError(
                said(
                    "The pattern has {count} characters. Use {most} or less.",
                    count=len(text),
                    most=LONGEST_PATTERN,
                )
            )
        self._text = text.removeprefix("^")
        if self._text.endswith("$") and not self._text.endswith("\\$"):
            self._text = self._text[:-1]
        self._states: list[_State] = [_State(None, [])]  # the end
        self._steps = 0
        self._at = 0
        node = self._choice(0)
        if self._at < len(self._text):
            raise self._refusal()
        self._begin = self._built(node, 0)

    def matches(self, value: str) -> bool:
        """Say whether the whole value matches."""
        here = self._closure({self._begin})
        for character in value:
            taken = {
                follow
                for number in here
                if (takes := self._states[number].takes) and takes.fullmatch(character)
                for follow in self._states[number].follow
            }
            here = self._closure(taken)
            if not here:
                return False
        return 0 in here

    def _closure(self, numbers: set[int]) -> set[int]:
        """Return where one may be without taking another character."""
        seen, open_ones = set(numbers), list(numbers)
        while open_ones:
            state = self._states[open_ones.pop()]
            if state.takes is None:
                fresh = set(state.follow) - seen
                seen |= fresh
                open_ones += fresh
        return seen

    # --- Reading ----------------------------------------------------------------------------------

    def _choice(self, depth: int) -> _Node:
        ways = [self._sequence(depth)]
        while self._next("|"):
            ways.append(self._sequence(depth))
        return ways[0] if len(ways) == 1 else _Choice(tuple(ways))

    def _sequence(self, depth: int) -> _Node:
        parts: list[_Node] = []
        while self._at < len(self._text) and self._text[self._at] not in "|)":
            parts.append(self._repeated(self._part(depth)))
        return _Sequence(tuple(parts))

    def _part(self, depth: int) -> _Node:
        if self._next("("):
            if depth >= DEEPEST:
                raise InvalidError(said("The pattern nests more than {most} groups.", most=DEEPEST))
            self._next("?:")
            inner = self._choice(depth + 1)
            if not self._next(")"):
                raise self._refusal()
            return inner
        match = _ONE.match(self._text, self._at)
        if match is None or (match[0].startswith("[") and _AMBIGUOUS.search(match[0])):
            raise self._refusal()
        self._at = match.end()
        try:
            return re.compile(match[0], re.ASCII)
        except re.error as error:  # such as [z-a]
            raise InvalidError(
                said("The pattern's {part} is wrong: {why}.", part=match[0], why=error.msg)
            ) from error

    def _repeated(self, part: _Node) -> _Node:
        match = _REPEAT.match(self._text, self._at)
        if match is None:
            return part
        self._at = match.end()
        if match[0] in _FIXED:
            return _Repeat(part, *_FIXED[match[0]])
        least = int(match[1])
        most = None if match[2] and not match[3] else int(match[3] or match[1])
        if max(least, most or 0) > MOST_REPEATS or (most is not None and most < least):
            raise InvalidError(
                said(
                    "The pattern's {part} is not allowed. Use 0 to {most}, the least first.",
                    part=match[0],
                    most=MOST_REPEATS,
                )
            )
        return _Repeat(part, least, most)

    def _next(self, sign: str) -> bool:
        """Pass over ``sign`` if it comes next."""
        found = self._text.startswith(sign, self._at)
        self._at += len(sign) * found
        return found

    def _refusal(self) -> InvalidError:
        return InvalidError(
            said(
                "The pattern cannot be read at {rest!r}. It may hold characters, sets such as "
                "[a-z], \\d \\w \\s, dot, groups, | and the repetitions * + ? {{2,5}}.",
                rest=self._text[self._at : self._at + 20],
            )
        )

    # --- Building ---------------------------------------------------------------------------------

    def _built(self, node: _Node, follow: int) -> int:
        """Add the states of a node that goes on at ``follow``; return where it begins."""
        self._steps += 1
        if self._steps > MOST_STEPS:  # repetitions of nothing make no states, and no end
            raise _too_large()
        match node:
            case _Sequence(parts):
                for part in reversed(parts):
                    follow = self._built(part, follow)
                return follow
            case _Choice(ways):
                return self._state(None, [self._built(way, follow) for way in ways])
            case _Repeat(part, least, most):
                begin = self._rest(part, follow, None if most is None else most - least)
                for _ in range(least):
                    begin = self._built(part, begin)
                return begin
        return self._state(node, [follow])

    def _rest(self, part: _Node, follow: int, times: int | None) -> int:
        """Add what may come so many times more; None: any number of times."""
        if times is None:
            loop = self._state(None, [follow])
            self._states[loop].follow.append(self._built(part, loop))
            return loop
        begin = follow
        for _ in range(times):
            begin = self._state(None, [self._built(part, begin), follow])
        return begin

    def _state(self, takes: re.Pattern[str] | None, follow: list[int]) -> int:
        if len(self._states) >= MOST_STATES:
            raise _too_large()
        self._states.append(_State(takes, follow))
        return len(self._states) - 1


def _too_large() -> InvalidError:
    return InvalidError(said("The pattern is too large. Repeat less, or use max_length."))


@lru_cache(maxsize=128)
def pattern_of(text: str) -> Pattern:
    """Return a pattern; the same for one value after the other."""
    return Pattern(text)
