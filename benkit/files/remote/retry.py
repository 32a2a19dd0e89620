"""Retry requests that fail for the moment."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Self, TypeVar

from benkit.errors import OptionError
from benkit.option_types import require_types

Result = TypeVar("Result")

_TOTAL = "BENKIT_RETRY_SECONDS"
giving_up: ContextVar[threading.Event] = ContextVar("giving_up", default=threading.Event())  # noqa: B039
"""Is set when this thread's request is wanted no more, so that nothing waits for another try."""


class TransientError(OSError):
    """A fault after which a retry may well succeed: the server is busy, or was not reached."""


@dataclass(frozen=True)
class Retry:
    """When a request that fails for the moment is retried: with exponential backoff.

    Attributes
    ----------
    first_wait : float
        Seconds until the second try; each wait is twice the one before.
    longest_wait : float
        Seconds; no wait is longer.
    total : float
        Seconds from the first fault until no more tries are made; 0: there is one try.

    Raises
    ------
    OptionError
        If the waits do not lie above 0 in this order, or the total lies below it.

    Examples
    --------
    >>> from itertools import islice
    >>> list(islice(Retry(first_wait=1, longest_wait=5).waits(), 5))
    [1, 2, 4, 5, 5]
    """

    first_wait: float = 0.2
    longest_wait: float = 10.0
    total: float = 60.0

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        require_types(vars(self), type(self).__annotations__)
        if not (0 < self.first_wait <= self.longest_wait and self.total >= 0):
            raise OptionError(
                "retry: expected 0 < first_wait <= longest_wait and 0 <= total, in seconds, not "
                f"{self.first_wait:g}, {self.longest_wait:g} and {self.total:g}"
            )

    @classmethod
    def from_environment(cls) -> Self:
        """The usual waits, with the total of the variable ``BENKIT_RETRY_SECONDS`` if it is set."""
        text = os.environ.get(_TOTAL)
        if not text:
            return cls()
        try:
            return cls(total=float(text))
        except ValueError:
            raise OptionError(f"{_TOTAL}: expected seconds, 0 or more, not {text!r}") from None

    def waits(self) -> Iterator[float]:
        """Seconds to wait after the first fault, after the second and so on, without end."""
        wait = self.first_wait
        while True:
            yield wait
            wait = min(2 * wait, self.longest_wait)


def retrying(request: Callable[[], Result], retry: Retry) -> Result:
    """Make a request, with retries after each `TransientError` until the total is over."""
    end = None
    for wait in retry.waits():
        try:
            return request()
        except TransientError:
            now = time.monotonic()
            end = now + retry.total if end is None else end
            if now + wait > end or giving_up.get().wait(wait):
                raise
    raise AssertionError("waits have no end")
