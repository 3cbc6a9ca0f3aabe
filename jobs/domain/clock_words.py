"""What a change of the clock does, in words: English and Indonesian."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from jobs.domain.clock_changes import ClockChange, Effect, Touch
from jobs.domain.zones import zone

_ENGLISH = {
    "forward": "On {date} the clocks go forward from {before} to {after}.",
    "back": "On {date} the clocks go back from {before} to {after}.",
    "schedule": "Schedule {number}: {text}",
    Effect.NONE: "No run is touched.",
    Effect.MOVED: "{time} does not exist: it runs once, at {at}.",
    "moved_several": "{times} times from {time} on do not exist: they make one run, at {at}.",
    "skipped_several": "{times} times from {time} on do not exist: they do not run.",
    "first_several": "{times} times from {time} on come twice: each runs once, the first time.",
    "second_several": "{times} times from {time} on come twice: each runs once, the second time.",
    "both_several": "{times} times from {time} on come twice: each runs both times.",
    Effect.SKIPPED: "{time} does not exist: it does not run.",
    Effect.FEWER: "Nothing runs in the time that is left out: {runs} runs that day instead of {usual}.",
    Effect.FIRST: "{time} comes twice: it runs once, the first time ({at} {offset}).",
    Effect.SECOND: "{time} comes twice: it runs once, the second time ({at} {offset}).",
    Effect.BOTH: "{time} comes twice: it runs both times.",
    Effect.MORE: "The repeated time has its runs again: {runs} runs that day instead of {usual}.",
}
_INDONESIAN = {
    "forward": "Pada {date} jam maju dari {before} ke {after}.",
    "back": "Pada {date} jam mundur dari {before} ke {after}.",
    "schedule": "Jadwal {number}: {text}",
    Effect.NONE: "Tidak ada yang berubah.",
    Effect.MOVED: "{time} tidak ada: dijalankan sekali, pada {at}.",
    "moved_several": "{times} waktu mulai {time} tidak ada: dijalankan sekali, pada {at}.",
    "skipped_several": "{times} waktu mulai {time} tidak ada: tidak dijalankan.",
    "first_several": (
        "{times} waktu mulai {time} terjadi dua kali: masing-masing dijalankan sekali, yang pertama."
    ),
    "second_several": (
        "{times} waktu mulai {time} terjadi dua kali: masing-masing dijalankan sekali, yang kedua."
    ),
    "both_several": (
        "{times} waktu mulai {time} terjadi dua kali: masing-masing dijalankan dua kali."
    ),
    Effect.SKIPPED: "{time} tidak ada: tidak dijalankan.",
    Effect.FEWER: (
        "Waktu yang dilewati tidak dijalankan: {runs} kali pada hari itu, bukan {usual}."
    ),
    Effect.FIRST: "{time} terjadi dua kali: dijalankan sekali, yang pertama ({at} {offset}).",
    Effect.SECOND: "{time} terjadi dua kali: dijalankan sekali, yang kedua ({at} {offset}).",
    Effect.BOTH: "{time} terjadi dua kali: dijalankan dua kali.",
    Effect.MORE: "Waktu yang berulang dijalankan lagi: {runs} kali pada hari itu, bukan {usual}.",
}


def _words(language: str) -> Mapping[str, str]:
    return _INDONESIAN if language.split("-")[0] == "id" else _ENGLISH


def heading(change: ClockChange, language: str = "en") -> str:
    """Return when the clocks change, and by how much."""
    template = _words(language)["forward" if change.forward else "back"]
    return template.format(
        date=f"{change.shown_before:%Y-%m-%d}",
        before=_time(change.shown_before),
        after=_time(change.shown_after),
    )


def effects(
    change: ClockChange, language: str = "en", *, numbers: Sequence[int] = (1,)
) -> Sequence[str]:
    """Return what happens to each schedule that is touched; one sentence when none is.

    ``numbers`` are what a person calls the schedules; a single one needs no number.
    """
    words = _words(language)
    touched = [touch for touch in change.touches if touch.effect != Effect.NONE]
    if not touched:
        return [words[Effect.NONE]]
    texts = [_effect(touch, change.zone, words) for touch in touched]
    if len(numbers) == 1:
        return texts
    return [
        words["schedule"].format(number=numbers[touch.position], text=text)
        for touch, text in zip(touched, texts, strict=True)
    ]


def _effect(touch: Touch, zone_name: str, words: Mapping[str, str]) -> str:
    several = f"{touch.effect.value}_several"
    at = touch.runs_at.astimezone(zone(zone_name)) if touch.runs_at else None
    template = words[several] if touch.times > 1 and several in words else words[touch.effect]
    return template.format(
        time=_time(touch.first_time) if touch.first_time else "",
        times=touch.times,
        at=_time(at) if at else "",
        offset=at.isoformat()[-6:] if at else "",
        runs=touch.runs,
        usual=touch.usual_runs,
    )


def _time(at: datetime) -> str:
    return at.strftime("%H:%M:%S" if at.second else "%H:%M")
