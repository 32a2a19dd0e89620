"""Run chunks on processes of this machine."""

import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import Any, TypeVar

from benkit.errors import WorkerError

Chunk = TypeVar("Chunk")
Result = TypeVar("Result")

DEATHS_PER_CHUNK = 3
"""So often may the worker of a chunk die before that is an error."""

_CHUNKS_PER_WORKER = 3
_HAS_MASKS = hasattr(signal, "pthread_sigmask")  # not on Windows
_one_at_a_time = threading.Lock()
_THREAD_LIMITS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def run_on_processes(
    function: Callable[[Chunk], Result], chunks: Sequence[Chunk], workers: int
) -> Iterator[Result]:
    """Apply a function to every chunk on so many processes, as `benkit.engine.run` does."""
    done = deaths = 0
    while done < len(chunks):
        try:
            with _pool(workers) as submit:
                some = partial(submit, function)
                for result in in_order(some, Future.result, chunks[done:], workers):
                    yield result
                    done, deaths = done + 1, 0
        except BrokenProcessPool:
            deaths += 1
            if deaths == DEATHS_PER_CHUNK:
                raise WorkerError(
                    f"worker processes ended {deaths} times in a row before their work was done; "
                    "they were killed, or there was not enough memory: try fewer workers"
                ) from None


@contextmanager
def starting(function: Callable[..., Any]) -> Iterator[None]:
    """Start processes that never see an interrupt and do not run the caller's script again.

    A signal that ends the caller waits until they are started, as a process that is told only half of
    what it needs fails aloud. Each of them calls `follow_parent` first. As they do not run the script,
    it needs no ``if __name__ == "__main__":``, unless the function is defined there. One thread at a
    time does it, as the script's module and the environment are those of the whole process.
    """
    with _one_at_a_time, _without_script(function), one_blas_thread_each(), _signals_blocked():
        yield


@contextmanager
def _without_script(function: Callable[..., Any]) -> Iterator[None]:
    script = sys.modules["__main__"]
    while isinstance(function, partial):
        function = function.func
    if getattr(function, "__module__", "") != "__main__":
        sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script


@contextmanager
def _signals_blocked() -> Iterator[None]:
    if not _HAS_MASKS:
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def in_order(
    submit: Callable[[Chunk], Any],
    result_of: Callable[[Any], Result],
    chunks: Sequence[Chunk],
    workers: int,
) -> Iterator[Result]:
    """Results in order, with a bounded number of chunks under way."""
    waiting: deque[Any] = deque()
    for chunk in chunks:
        waiting.append(submit(chunk))
        if len(waiting) >= workers * _CHUNKS_PER_WORKER:
            yield result_of(waiting.popleft())
    while waiting:
        yield result_of(waiting.popleft())


@contextmanager
def _pool(workers: int) -> Iterator[Callable[..., "Future[Any]"]]:
    """A function that hands a call to processes, which end with the block, however it ends."""
    started: set[BaseProcess] = set()
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, initializer=follow_parent)

    def submit(function: Callable[[Chunk], Result], chunk: Chunk) -> "Future[Result]":
        with starting(function):  # one thread at a time: what appears meanwhile is of this pool
            before = set(multiprocessing.active_children())
            try:
                return pool.submit(function, chunk)
            finally:
                started.update(set(multiprocessing.active_children()) - before)

    try:
        yield submit
    finally:
        # They are not asked to end: one that was killed while it waited for work would leave the
        # others waiting for ever.
        for process in started:
            process.terminate()
        pool.shutdown(cancel_futures=True)


def follow_parent() -> None:
    """Let this worker leave interrupts to its parent, and end when its parent ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if _HAS_MASKS:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None, "a worker has a parent"
    parent.join()
    os._exit(1)


@contextmanager
def one_blas_thread_each() -> Iterator[None]:
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
