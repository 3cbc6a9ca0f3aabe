"""What a command prints: gathered for the log within a limit, and read for `::` lines.

Contract of the limit: the head is handed over while the command runs, an unbroken prefix of the
output in the order it was read. The last quarter of the limit, at most 256 KiB, is held in memory
and handed over when the command has ended: in full if the output stayed within the limit, otherwise
as the tail, with a mark where the cut is. A worker that dies keeps the head.

Secrets are taken out of what is handed over, not of what is read: output that is not kept costs no look.
"""

from __future__ import annotations

from collections import deque

from jobs.domain.masking import NO_SECRETS, Mask
from jobs.domain.states import Stream
from jobs.executors.base import Chunk
from jobs.executors.masked import MaskedOutput

FLUSH_BYTES = 32_768
# With the page's look every half second a line is seen within a second of its printing.
FLUSH_SECONDS = 0.25
MAX_TAIL_BYTES = 262_144
# Each switch between stdout and stderr starts a new piece, with some 200 bytes of its own.
MAX_TAIL_PIECES = 50_000
# Small reads are merged up to this; dropping the first of many pieces moves no other byte.
PIECE_BYTES = 16_384
# How far into the tail a line may begin for the tail to start there and not in mid-line.
LINE_SEARCH = 4096
ERROR_LINE_BYTES = 2000


class Collector:
    """Gather chunks, hand them over in time, keep head and tail of too much output."""

    def __init__(self, limit: int, mask: Mask = NO_SECRETS) -> None:
        """Take the number of bytes to keep, Jobdeck's own marks not counted, and the secrets."""
        self._mask = mask
        self._masked = MaskedOutput(mask)
        tail = min(max(limit, 0) // 4, MAX_TAIL_BYTES)
        self._limit = limit
        self._head_room = max(limit, 0) - tail
        self._tail = _Tail(tail)
        self._pending: list[Chunk] = []
        self._pending_bytes = 0
        self._pending_since = 0.0
        self._last_stderr = b""
        self._at_line_start = True
        self._notice_at: float | None = None  # when to say that the output is being cut
        self.total = 0

    @property
    def truncated(self) -> bool:
        """Tell whether something was not kept."""
        return self._tail.dropped > 0

    def add(self, stream: Stream, data: bytes, now: float) -> None:
        """Take what was read; ``now`` is monotonic."""
        self.total += len(data)
        if stream is Stream.STDERR:
            self._last_stderr = (self._last_stderr + data)[-ERROR_LINE_BYTES:]
        if self._head_room:
            head = data[: self._head_room]
            self._head_room -= len(head)
            self._queue(Chunk(stream, head), now)
            data = data[len(head) :]
        if data:
            self._keep_tail(stream, data, now)

    def remark(self, text: str, now: float) -> None:
        """Add a remark of Jobdeck's own, on a line of its own."""
        start = "" if self._at_line_start else "\n"
        self._queue(Chunk(Stream.SYSTEM, f"{start}[… {text} …]\n".encode()), now)

    def due_at(self) -> float | None:
        """Return when the gathered chunks should be handed over; None when there are none."""
        if not self._pending:
            return self._notice_at
        return 0.0 if self._pending_bytes >= FLUSH_BYTES else self._pending_since + FLUSH_SECONDS

    def take(self) -> list[Chunk]:
        """Hand over what has gathered while the command runs."""
        if self._notice_at is not None:
            self._notice_at = None
            self.remark(
                f"limit of {self._limit:,} bytes reached; the end of the output is kept and follows"
                " when the command has ended",
                0.0,
            )
        return self._take_pending()

    def finish(self) -> list[Chunk]:
        """Hand over everything that is left, the mark of the cut and the tail included."""
        tail = self._tail.pieces()
        head: list[Chunk] = []
        if self.truncated:
            head = self._take_pending() + self._masked.gap()
            self.remark(f"{self._tail.dropped:,} bytes not kept; limit {self._limit:,}", 0.0)
        self._pending += tail
        return _joined([*head, *self._take_pending(), *self._masked.finish()])

    def error_line(self) -> str | None:
        """Return the last line on stderr that is not blank, without control characters."""
        last = self._last_stderr
        if len(last) == ERROR_LINE_BYTES:  # it may begin in mid-secret
            last = self._mask.after_cut(last)
        for line in reversed(self._mask.clean(last).decode(errors="replace").splitlines()):
            if text := "".join(c if c.isprintable() else " " for c in line).strip():
                return text
        return None

    def _queue(self, chunk: Chunk, now: float) -> None:
        if not self._pending:
            self._pending_since = now
        self._pending.append(chunk)
        self._pending_bytes += len(chunk.data)
        self._at_line_start = chunk.data.endswith(b"\n")

    def _take_pending(self) -> list[Chunk]:
        chunks, self._pending, self._pending_bytes = self._pending, [], 0
        return self._masked.feed(_joined(chunks))

    def _keep_tail(self, stream: Stream, data: bytes, now: float) -> None:
        was_cut = self.truncated
        self._tail.add(stream, data)
        if self.truncated and not was_cut:
            self._notice_at = now + FLUSH_SECONDS


class _Tail:
    """The last bytes of a stream of pieces."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._pieces: deque[tuple[Stream, bytearray]] = deque()
        self._size = 0
        self.dropped = 0

    def add(self, stream: Stream, data: bytes) -> None:
        last = self._pieces[-1] if self._pieces else None
        if last and last[0] is stream and len(last[1]) + len(data) <= PIECE_BYTES:
            last[1].extend(data)
        else:
            self._pieces.append((stream, bytearray(data)))
        self._size += len(data)
        while self._size > self._limit or len(self._pieces) > MAX_TAIL_PIECES:
            self._drop_first()

    def _drop_first(self) -> None:
        piece = self._pieces[0][1]
        excess = self._size - self._limit
        if 0 < excess < len(piece):
            self._cut(piece, excess)
        else:
            self._cut(piece, len(piece))
            self._pieces.popleft()

    def _cut(self, piece: bytearray, count: int) -> None:
        del piece[:count]
        self._size -= count
        self.dropped += count

    def pieces(self) -> list[Chunk]:
        """Return what is left; after a cut, from the start of a line or at least of a character."""
        if self.dropped and self._pieces:
            piece = self._pieces[0][1]
            self._cut(piece, _clean_start(piece))
        return [Chunk(stream, bytes(piece)) for stream, piece in self._pieces if piece]


def _clean_start(piece: bytearray) -> int:
    line_end = piece.find(b"\n", 0, LINE_SEARCH)
    if line_end >= 0:
        return line_end + 1
    start = 0
    # At most three bytes of a UTF-8 character can follow its cut-off first one.
    while start < min(3, len(piece)) and piece[start] & 0xC0 == 0x80:
        start += 1
    return start


def _joined(chunks: list[Chunk]) -> list[Chunk]:
    """Merge neighbours of the same stream: a line-wise writer makes hundreds of reads."""
    groups: list[tuple[Stream, list[bytes]]] = []
    for stream, data in chunks:
        if groups and groups[-1][0] is stream:
            groups[-1][1].append(data)
        else:
            groups.append((stream, [data]))
    return [Chunk(stream, b"".join(parts)) for stream, parts in groups]
