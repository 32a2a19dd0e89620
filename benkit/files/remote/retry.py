"""Ask a distant server again when it fails for the moment, and ask many things of it at once."""

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["PassingError", "in_parallel", "patiently"]

Item = TypeVar("Item")
Result = TypeVar("Result")

_REQUESTS_AT_A_TIME = 32
_FIRST_WAIT, _LONGEST_WAIT = 0.2, 10.0  # seconds, each wait twice the one before
_PATIENCE = 60.0  # seconds from the first fault on
_giving_up = threading.Event()


class PassingError(OSError):
    """A fault after which the same request may well succeed: the server is busy, or was not reached."""


def patiently(request: Callable[[], Result]) -> Result:
    """Make a request, and again after passing faults, for about a minute.

    The waits are always the same: 0.2 s, then twice as long each time, at most 10 s.

    Raises
    ------
    PassingError
        The last one, when a minute is over.
    OSError
        Any other fault at once.
    """
    end, wait = None, _FIRST_WAIT
    while True:
        try:
            return request()
        except PassingError:
            end = end or time.monotonic() + _PATIENCE
            if time.monotonic() + wait > end or _giving_up.wait(wait):
                raise
            wait = min(2 * wait, _LONGEST_WAIT)


def in_parallel(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Apply a function that waits for a server to many things at once.

    Returns
    -------
    list
        In the order of the items.

    Raises
    ------
    Exception
        The first one in that order; whatever is still to do is left.
    """
    try:
        with ThreadPoolExecutor(_REQUESTS_AT_A_TIME) as pool:
            try:
                futures = [pool.submit(function, item) for item in items]
                return [future.result() for future in futures]
            except BaseException:
                _giving_up.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    finally:
        _giving_up.clear()
