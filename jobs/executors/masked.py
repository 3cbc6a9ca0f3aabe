"""Output without secrets: each stream on its own, since a secret may be split over its pieces."""

from __future__ import annotations

from collections.abc import Sequence

from jobs.domain.masking import Mask, MaskedStream
from jobs.domain.states import Stream
from jobs.executors.base import Chunk


class MaskedOutput:
    """Take the pieces of a run in their order and hand them on without secrets."""

    def __init__(self, mask: Mask) -> None:
        """Look for the secrets of ``mask``."""
        self._mask = mask
        self._streams: dict[Stream, MaskedStream] = {}
        self._after_gap: set[Stream] = set()

    def feed(self, chunks: Sequence[Chunk]) -> list[Chunk]:
        """Take the next pieces; return what can be shown of all so far."""
        if not self._mask:
            return list(chunks)
        fed = (Chunk(stream, self._fed(stream, data)) for stream, data in chunks)
        return [chunk for chunk in fed if chunk.data]

    def gap(self) -> list[Chunk]:
        """Return what was held back, before a place at which output was not kept."""
        held = [Chunk(name, stream.cut()) for name, stream in self._streams.items()]
        self._after_gap = {Stream.STDOUT, Stream.STDERR}
        return [chunk for chunk in held if chunk.data]

    def finish(self) -> list[Chunk]:
        """Return what is left at the end."""
        held = [Chunk(name, stream.finish()) for name, stream in self._streams.items()]
        return [chunk for chunk in held if chunk.data]

    def _fed(self, name: Stream, data: bytes) -> bytes:
        if name is Stream.SYSTEM:
            return self._mask.clean(data)  # a remark is whole
        if name in self._after_gap:
            self._after_gap.discard(name)
            data = self._mask.after_cut(data)
        if name not in self._streams:
            self._streams[name] = MaskedStream(self._mask)
        return self._streams[name].feed(data)
