"""Make many requests at once, on as many threads as the server bears requests in flight."""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import TypeVar

from benkit.files.remote.retry import giving_up

Item = TypeVar("Item")
Result = TypeVar("Result")

Task = Callable[[], None]
"""Something to do that waits for a server."""

_AT_A_TIME = 32


class Tasks:
    """Tasks that wait for a server; each may add others, which come next.

    Parameters
    ----------
    allowed : callable
        How many of them may run at a time; it is asked again after each.
    """

    def __init__(self, tasks: Iterable[Task], allowed: Callable[[], int]) -> None:
        self._waiting = deque(tasks)
        self._allowed = allowed
        self._running = 0
        self._error: BaseException | None = None
        self._over = threading.Event()
        self._changed = threading.Condition()

    def add(self, tasks: Iterable[Task]) -> None:
        """Add tasks, from within one, before all that wait."""
        with self._changed:
            self._waiting.extendleft(tasks)

    def run(self) -> None:
        """Do them all, and raise the first error; what is still to do is left, and no retry waits."""
        try:
            with self._changed:
                self._start_threads()
                self._changed.wait_for(lambda: self._error or not self._running)
            if self._error:
                raise self._error
        finally:
            self._over.set()

    def _start_threads(self) -> None:
        if self._over.is_set():
            return
        wanted = min(self._allowed(), self._running + len(self._waiting))
        for _ in range(wanted - self._running):
            try:
                threading.Thread(target=self._work).start()
            except RuntimeError:  # the system gives no more of them
                if not self._running:
                    raise
                return
            self._running += 1

    def _next(self) -> Task | None:
        """The next task for this thread; None if it is to end."""
        with self._changed:
            self._start_threads()
            surplus = self._running > self._allowed()
            if self._waiting and not surplus and not self._over.is_set():
                return self._waiting.popleft()
            self._running -= 1
            self._changed.notify_all()
            return None

    def _work(self) -> None:
        giving_up.set(self._over)
        while task := self._next():
            try:
                task()
            except BaseException as error:
                with self._changed:
                    self._error = self._error or error
                self._over.set()


def in_parallel(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    allowed: Callable[[], int] = lambda: _AT_A_TIME,
) -> list[Result]:
    """Apply a function that waits for a server to many items at once; results in their order.

    The first error is raised; what is still to do is left, and no retry waits any more.
    """
    numbered = list(enumerate(items))
    results: dict[int, Result] = {}

    def task(number: int, item: Item) -> Task:
        def apply() -> None:
            results[number] = function(item)

        return apply

    Tasks((task(*pair) for pair in numbered), allowed).run()
    return [results[number] for number, _ in numbered]
