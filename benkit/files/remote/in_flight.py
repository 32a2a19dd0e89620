"""How many requests to a server are in flight at a time: as many as it bears; and of how many bytes.

The limit climbs the hill of throughput. Answers a second are counted in pairs of windows: with as many
requests in flight as the limit says, and with half as many again. Where that brings clearly more
answers, the limit becomes that; where it brings hardly any, requests only wait longer in a queue, and
the limit falls a little. An answer that says that the server is busy, or none at all, halves it.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benkit.files.remote.retry import TransientError, giving_up

MOST_REQUESTS = 256
"""Upper bound of the requests that a process has in flight at a server, and of its connections."""

_START = 32.0
_LEAST = 4.0  # that throughput alone leads to
_MORE, _CLEARLY, _HARDLY, _LESS = 1.5, 1.15, 1.05, 0.85
_ROUNDS = 4  # of answers in a window
_MOST_BYTES = 2**28
_POLL = 0.1  # seconds


class RequestLimit:
    """The adaptive limit of requests in flight at one server."""

    def __init__(self) -> None:
        self._limit = _START
        self._in_flight = 0
        self._free = threading.Condition()
        self._before: float | None = None  # answers a second of the first window of a pair
        self._begin()

    def _begin(self) -> None:
        self._start, self._answers = time.monotonic(), 0

    def allowed(self) -> int:
        """How many requests may be in flight now."""
        return int(self._limit if self._before is None else self._limit * _MORE)

    @contextmanager
    def request(self) -> Iterator[None]:
        """Make a request when there is room; its `TransientError` tells that there is too much."""
        with self._free:
            while self._in_flight >= self.allowed():
                if giving_up.get().is_set():
                    raise TransientError("it was given up")
                self._free.wait(_POLL)
            if not self._in_flight:  # what was idle has no throughput
                self._begin()
            self._in_flight += 1
        start, busy = time.monotonic(), False
        try:
            yield
        except TransientError:
            busy = True
            raise
        finally:
            with self._free:
                self._in_flight -= 1
                if not busy:
                    self._count()
                elif start >= self._start:  # later than the last change
                    self._change(0.5, 1.0)
                self._free.notify(max(1, self.allowed() - self._in_flight))

    def _count(self) -> None:
        """Count an answer, and adapt the limit at the end of each pair of windows."""
        self._answers += 1
        if self._answers < _ROUNDS * self.allowed():
            return
        rate = self._answers / (time.monotonic() - self._start)
        if self._before is None and self._limit * _MORE <= MOST_REQUESTS:
            self._before = rate
            self._begin()
            return
        gain = rate / (self._before or rate)
        self._change(_MORE if gain > _CLEARLY else _LESS if gain < _HARDLY else 1.0, _LEAST)

    def _change(self, factor: float, least: float) -> None:
        self._limit = min(max(self._limit * factor, least), MOST_REQUESTS)
        self._before = None
        self._begin()


class ByteBudget:
    """The bytes that answers in flight may take together; a longer one takes all."""

    def __init__(self, most: int = _MOST_BYTES) -> None:
        self._most = self._left = most
        self._free = threading.Condition()

    @contextmanager
    def reserve(self, count: int) -> Iterator[None]:
        """Wait until so many bytes are free, and keep them for the block."""
        count = min(count, self._most)
        with self._free:
            self._free.wait_for(lambda: self._left >= count)
            self._left -= count
        try:
            yield
        finally:
            with self._free:
                self._left += count
                self._free.notify_all()


bytes_in_flight = ByteBudget()
"""That of this process."""
