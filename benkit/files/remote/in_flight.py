"""How many requests to a server are in flight at a time: as many as it bears; and of how many bytes.

The limit climbs the hill of throughput. Answers a second are counted in pairs of windows: with as many
requests in flight as the limit says, and with half as many again. Where that brings clearly more
answers, the limit becomes that; where it brings hardly any, requests only wait longer in a queue, and
the limit falls a little. It is halved where more than a tenth of the answers say that the server is
busy, or do not come: fewer are faults that pass, and no sign of too many requests.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benkit.files.remote.retry import TransientError, giving_up

MOST_REQUESTS = 256
"""Upper bound of the requests that a process has in flight at a server, and of its connections."""

_START = 32
_LEAST = 4  # that throughput alone leads to
_CLEARLY, _HARDLY = 1.25, 1.1  # times as many answers with half as many requests again
_ROUNDS = 4  # of answers in a window
_BUSY_ONES = 0.1  # of them
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
        self._start = self._idle = time.monotonic()
        self._answers = self._busy = 0
        self._full = False

    @property
    def _more(self) -> int:
        return min(max(self._limit + 1, self._limit * 3 // 2), MOST_REQUESTS)

    def allowed(self) -> int:
        """How many requests may be in flight now."""
        return self._limit if self._before is None else self._more

    @contextmanager
    def request(self) -> Iterator[None]:
        """Make a request when there is room; its `TransientError` tells that there is too much."""
        with self._free:
            while self._in_flight >= self.allowed():
                if giving_up.get().is_set():
                    raise TransientError("it was given up")
                self._free.wait(_POLL)
            if not self._in_flight:  # what is idle has no throughput
                self._start += time.monotonic() - self._idle
            self._in_flight += 1
            self._full |= self._in_flight >= self.allowed()
        start, busy = time.monotonic(), False
        try:
            yield
        except TransientError:
            busy = True
            raise
        finally:
            with self._free:
                self._in_flight -= 1
                self._idle = time.monotonic()
                if start >= self._start or not busy:  # later than the last change
                    self._count(busy)
                self._free.notify(max(1, self.allowed() - self._in_flight))

    def _count(self, busy: bool) -> None:
        """Count an answer, and adapt the limit at the end of each pair of windows."""
        self._answers += not busy
        self._busy += busy
        window = _ROUNDS * self.allowed()
        if self._busy > _BUSY_ONES * window:
            self._change(max(1, self._limit // 2))
        if self._answers < window:
            return
        if not self._full:  # so few were asked for that it tells nothing
            self._begin()
            return
        rate = self._answers / (time.monotonic() - self._start)
        if self._before is None:
            self._before = rate
            self._begin()
            return
        gain = rate / self._before
        fewer = max(self._limit * 4 // 5, min(self._limit, _LEAST))
        self._change(self._more if gain > _CLEARLY else fewer if gain < _HARDLY else self._limit)

    def _change(self, limit: int) -> None:
        self._limit, self._before = limit, None
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
