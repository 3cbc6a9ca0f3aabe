"""What becomes of one of CB-Tumblebug's scheduled jobs, worked out from its guide alone.

Nothing of the product is asked. The rules are the guide's: the first run at once, the next one an
interval after an end, never two at a time; a success clears the failures in a row and the flag;
five in a row disable; enabling a disabled job runs it at once, and its next failure disables again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

MOST_IN_A_ROW = 5


@dataclass(frozen=True, slots=True)
class Fate:
    """What happens to one run."""

    kind: str
    lasts: timedelta
    succeeds: bool


@dataclass(slots=True)
class Life:
    """One job's day as it must come out."""

    interval: timedelta
    fate: Callable[[int, datetime], Fate]  # of the run with this number that starts then
    starts: list[datetime] = field(default_factory=list)
    ends: list[tuple[datetime, bool]] = field(default_factory=list)
    left_out: list[tuple[datetime, str]] = field(default_factory=list)
    in_a_row: int = 0
    disabled: bool = False
    auto_disabled: bool = False  # stays until a success, whoever enabled it
    paused: bool = False
    told: bool = False  # of a trouble, since it was last paused: a pause is an answer to alerts
    deleted_at: datetime | None = None
    running: Fate | None = None
    _due: datetime | None = None
    _ends_at: datetime | None = None

    def live(
        self, begin: datetime, actions: Sequence[tuple[datetime, str]], until: datetime
    ) -> Iterator[datetime]:
        """Let the job live; yield after every end of a run, and after everything done to it."""
        self._start(begin)
        waiting = sorted(actions)
        while self.deleted_at is None:
            what = [at for at in (self._ends_at, self._due) if at is not None]
            moment = min([*what, *(at for at, _ in waiting[:1])])
            if moment > until:
                return
            if waiting and waiting[0][0] == moment:
                self._act(moment, waiting.pop(0)[1])
                yield moment
            elif moment == self._ends_at:
                self._end(moment)
                yield moment
            elif self.paused or self.disabled:
                self.left_out.append((moment, "paused" if self.paused else "auto_disabled"))
                self._due = None
            else:
                self._start(moment)

    def _start(self, moment: datetime) -> None:
        self.running = self.fate(len(self.starts), moment)
        self.starts.append(moment)
        self._due, self._ends_at = None, moment + self.running.lasts

    def _end(self, moment: datetime) -> None:
        assert self.running is not None
        good = self.running.succeeds
        self.told = self.told or not good
        self.ends.append((moment, good))
        self.running, self._ends_at = None, None
        self.in_a_row = 0 if good else self.in_a_row + 1
        self.auto_disabled = self.in_a_row >= MOST_IN_A_ROW
        if self.auto_disabled and not self.paused:
            self.disabled = True
        self._due = moment + self.interval

    def _act(self, moment: datetime, what: str) -> None:
        if what == "delete":
            self.deleted_at = moment
        elif what == "pause":
            self.paused, self.disabled, self.told = True, False, False
        elif self.paused or self.disabled:
            was_disabled = self.disabled
            self.paused = self.disabled = False
            if self.running is None and was_disabled:
                self._start(moment)
            elif self.running is None and self._due is None:
                self._due = moment + self.interval

    @property
    def failures(self) -> int:
        """Return how many runs have failed."""
        return sum(not good for _, good in self.ends)

    def counters(self) -> dict[str, object]:
        """Return what the interface must tell now."""
        return {
            "status": "Scheduled" if self.running is None else "Executing",
            "enabled": not (self.paused or self.disabled),
            "autoDisabled": self.auto_disabled,
            "executionCount": len(self.starts),
            "successCount": len(self.ends) - self.failures,
            "failureCount": self.failures,
            "consecutiveFailures": self.in_a_row,
        }

    def severity(self) -> str | None:
        """Return the worst of the guide's alerts that hold now."""
        if self.deleted_at is not None or self.paused or not self.told:
            return None
        if self.disabled or self.in_a_row >= MOST_IN_A_ROW:
            return "critical"
        if self.in_a_row >= 3 or self.failures > 0.1 * len(self.starts):
            return "warning"
        return None
