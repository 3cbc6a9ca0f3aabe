"""From the bytes of an answer to text, within bounds whatever the server claims."""

from __future__ import annotations

import codecs
import re
import zlib
from email.message import Message

# Only encodings of text: Python's codecs know others, some of which unpack ("zip", "bz2").
_CHARSETS = re.compile(
    r"us-ascii|utf-?8|utf-?(16|32)([-_]?[lb]e)?|latin-?1|iso-?8859-?\d+|windows-?125\d|cp125\d"
    r"|koi8-[ru]|shift[-_]jis|euc-(jp|kr)|gb2312|gbk|gb18030|big5",
    re.IGNORECASE,
)
_TEXT = re.compile(
    r"text/.*|application/(json|xml|javascript|yaml|x-ndjson|x-www-form-urlencoded)|.*\+(json|xml|yaml)"
)
_JSON = re.compile(r"application/json|.*\+json|text/json")
_GZIP = 16 + zlib.MAX_WBITS


class TooLargeError(Exception):
    """There is more than is taken."""

    def __init__(self, limit: int) -> None:
        """Take the limit in bytes."""
        super().__init__(limit)
        self.limit = limit


class Unpacker:
    """Undo Content-Encoding piece by piece, never making more than ``limit`` bytes in all."""

    def __init__(self, encoding: str, limit: int) -> None:
        """Take the header's value; what is not known passes as it is."""
        encoding = encoding.strip().lower()
        bits = {"gzip": _GZIP, "x-gzip": _GZIP, "deflate": zlib.MAX_WBITS}.get(encoding)
        self.understood = bits is not None or encoding in {"", "identity"}
        self._inflate = None if bits is None else zlib.decompressobj(bits)
        self._limit = limit
        self._taken = self._made = 0

    def feed(self, data: bytes) -> bytes:
        """Return what the next bytes hold; TooLargeError beyond the limit, zlib.error when broken."""
        self._taken += len(data)
        if self._inflate is not None:
            if self._inflate.eof:
                raise zlib.error("data after the end")
            # One byte more than allowed is enough to know, and all that is ever unpacked.
            data = self._inflate.decompress(data, self._limit - self._made + 1)
        self._made += len(data)
        # What comes in counts as well: blocks that unpack to nothing can be sent for ever.
        if max(self._made, self._taken) > self._limit:
            raise TooLargeError(self._limit)
        return data

    def finish(self) -> None:
        """Raise zlib.error when the packed data has no end."""
        if self._inflate is not None and self._taken and not self._inflate.eof:
            raise zlib.error("no end")


class Kind:
    """What a Content-Type header says."""

    def __init__(self, header: str) -> None:
        """Read the header; without one an answer counts as text."""
        message = Message()
        message["content-type"] = header or "text/plain"
        self.name = message.get_content_type()
        self.is_text = _TEXT.fullmatch(self.name) is not None
        self.is_json = _JSON.fullmatch(self.name) is not None
        charset = str(message.get_param("charset") or "")
        self._charset = charset if _CHARSETS.fullmatch(charset) else "utf-8"

    def decoder(self) -> codecs.IncrementalDecoder:
        """Return a reader of text that marks what is none."""
        try:
            return codecs.getincrementaldecoder(self._charset)("replace")
        except LookupError:
            return codecs.getincrementaldecoder("utf-8")("replace")
