"""A queue between forked processes without locks, so that no killed reader can block the others.

django-q2's queues are multiprocessing queues: a worker killed while it waits for its next task
dies holding the read lock, and the whole cluster runs nothing any more (its issue #23). Here the
kernel hands out the messages of one socket, one to a reader, and nothing is left behind.
"""

from __future__ import annotations

import pickle
import socket
from typing import Any

# Far above a message of ours (an id and a token: under a kilobyte).
MESSAGE_BYTES = 131_072


class SocketQueue:
    """The part of multiprocessing.Queue that django-q2 uses, on a pair of packet sockets."""

    def __init__(self) -> None:
        """Open both ends; processes forked later share them."""
        self._reader, self._writer = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def put(self, item: Any) -> None:
        """Append an item; waits while the kernel's buffer is full."""
        # Both ends belong to one trusted tree of forked processes: pickle crosses no boundary.
        self._writer.send(pickle.dumps(item))

    def get(self) -> Any:
        """Take the oldest item, waiting for one; each item goes to one reader."""
        return pickle.loads(self._reader.recv(MESSAGE_BYTES))  # noqa: S301 - see put

    def empty(self) -> bool:
        """Say whether nothing waits to be taken."""
        try:
            return not self._reader.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return True

    def qsize(self) -> int:
        """Return 1 while something waits: the kernel does not count messages."""
        return int(not self.empty())

    def close(self) -> None:
        """Do nothing: the readers still need the other end."""

    def join_thread(self) -> None:
        """Do nothing: there is no feeder thread, what was put has arrived."""
