"""Run a plain function over chunks of work, in this process or on others, results in order."""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from typing import TypeVar

from benkit.errors import BenkitError, OptionError

__all__ = ["WorkerError", "run"]

Chunk = TypeVar("Chunk")
Result = TypeVar("Result")

_CHUNKS_IN_FLIGHT_PER_WORKER = 3
_THREAD_LIMITS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


class WorkerError(BenkitError, RuntimeError):
    """A worker process ended before its work was done."""


def run(
    function: Callable[[Chunk], Result], chunks: Sequence[Chunk], workers: int | None = None
) -> Iterator[Result]:
    """Apply a function to every chunk.

    Parameters
    ----------
    function : callable
        A function at the top of its module, or a `functools.partial` of one: it is sent to other
        processes by name.
    chunks : sequence
        What the function is called with.
    workers : int, optional
        Number of processes; one a core if not given. With one worker, or one chunk, everything
        happens in this process.

    Yields
    ------
    result
        In the order of the chunks, whatever the number of workers. Only a few chunks a worker are
        under way at a time, so that memory does not grow with their number.

    Raises
    ------
    OptionError
        If the number of workers is not positive.
    WorkerError
        If a worker process was killed.
    """
    if workers is not None and workers < 1:
        raise OptionError(f"workers: expected 1 or more, not {workers}")
    workers = min(workers or os.cpu_count() or 1, len(chunks))
    if workers <= 1:
        yield from map(function, chunks)
        return
    with _one_thread_each(), ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            for chunk in chunks:
                waiting.append(pool.submit(function, chunk))
                if len(waiting) >= workers * _CHUNKS_IN_FLIGHT_PER_WORKER:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool:
            raise WorkerError(
                "a worker process ended before its work was done; it was killed, or there was not "
                "enough memory: try again, with fewer workers if it happens again"
            ) from None
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Let the processes that are started here use one BLAS thread each.

    NumPy's BLAS starts one thread a core in every process; with a process a core they fight.
    """
    before = {name: os.environ.get(name) for name in _THREAD_LIMITS}
    os.environ.update(dict.fromkeys(_THREAD_LIMITS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
