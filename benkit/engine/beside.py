"""Take steps of work in a thread, beside what the caller does."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import takewhile
from threading import Event
from typing import TypeVar

Step = TypeVar("Step")


@contextmanager
def beside(steps: Iterable[Step]) -> Iterator[Callable[[], list[Step]]]:
    """Begin to take the steps; the value waits for the last one, and gives what they gave.

    It serves what computes in NumPy, Arrow or DuckDB, which let other threads go on. Where the caller
    fails or is interrupted, the step that has begun is the last one.
    """
    given_up = Event()
    with ThreadPoolExecutor(1) as pool:
        taken = pool.submit(lambda: [*takewhile(lambda _: not given_up.is_set(), steps)])
        try:
            yield taken.result
        finally:
            given_up.set()
