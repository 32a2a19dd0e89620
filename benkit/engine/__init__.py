"""Run a plain function over chunks of work: in this process, on local processes, or on Ray.

All engines give the results in the order of the chunks and keep only a few chunks a worker under way,
so that memory does not grow with their number. A chunk whose worker died is done again.
"""

import multiprocessing
import os
import signal
import socket
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from benkit.errors import BenkitError, OptionError

__all__ = ["ENGINES", "Engine", "WorkerError", "run"]

Chunk = TypeVar("Chunk")
Result = TypeVar("Result")

ENGINES = ("processes", "ray")
"""Names of the engines."""

_CHUNKS_PER_WORKER = 3
_DEATHS_PER_CHUNK = 3
_NO_CLUSTER = (
    "no Ray cluster at {}: {}; start one with `ray start --head`, or leave out the address"
)
_THREAD_LIMITS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


class WorkerError(BenkitError, RuntimeError):
    """Worker processes died again and again before their work was done."""


@dataclass(frozen=True)
class Engine:
    """Where work is done.

    Attributes
    ----------
    name : str
        ``processes`` or ``ray``.
    workers : int or None
        Number of processes, or of Ray tasks at a time; one a core if None.
    ray_address : str or None
        Of a Ray cluster: ``auto`` or ``host:port``; None starts Ray on this machine.

    Raises
    ------
    OptionError
        If there is no such engine, or the number of workers is not positive.
    """

    name: str = "processes"
    workers: int | None = None
    ray_address: str | None = None

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        if self.name not in ENGINES:
            raise OptionError(f"engine {self.name}: expected {' or '.join(ENGINES)}")
        if self.workers is not None and self.workers < 1:
            raise OptionError(f"workers: expected 1 or more, not {self.workers}")

    def local_workers(self, chunks: int) -> int:
        """How many workers this machine is to have for so many chunks."""
        return max(1, min(self.workers or os.cpu_count() or 1, chunks))


def run(
    function: Callable[[Chunk], Result], chunks: Sequence[Chunk], engine: Engine | None = None
) -> Iterator[Result]:
    """Apply a function to every chunk.

    Parameters
    ----------
    function : callable
        A function at the top of its module, or a `functools.partial` of one: it is sent to other
        processes by name.
    chunks : sequence
        What the function is called with.
    engine : Engine, optional
        Local processes, one a core, if not given. With one local worker, or one chunk, everything
        happens in this process.

    Yields
    ------
    result
        In the order of the chunks.

    Raises
    ------
    WorkerError
        If workers die again and again, or the Ray cluster cannot be reached.
    """
    engine = engine or Engine()
    if engine.name == "ray":
        return _run_on_ray(function, chunks, engine)
    workers = engine.local_workers(len(chunks))
    if workers == 1:
        return map(function, chunks)
    return _run_on_processes(function, chunks, workers)


def _run_on_processes(
    function: Callable[[Chunk], Result], chunks: Sequence[Chunk], workers: int
) -> Iterator[Result]:
    done = deaths = 0
    while done < len(chunks):
        try:
            with _pool(workers) as pool:
                submit = partial(_submit, pool, function)
                for result in _in_order(submit, Future.result, chunks[done:], workers):
                    yield result
                    done, deaths = done + 1, 0
        except BrokenProcessPool:
            deaths += 1
            if deaths == _DEATHS_PER_CHUNK:
                raise WorkerError(
                    f"worker processes ended {deaths} times in a row before their work was done; "
                    "they were killed, or there was not enough memory: try fewer workers"
                ) from None


def _submit(
    pool: ProcessPoolExecutor, function: Callable[[Chunk], Result], chunk: Chunk
) -> Future[Result]:
    """Hand a chunk to the pool, which may start a process that must never see an interrupt."""
    with _script_hidden(function):
        if not hasattr(signal, "pthread_sigmask"):  # Windows
            return pool.submit(function, chunk)
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return pool.submit(function, chunk)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _script_hidden(function: Callable[..., Any]) -> Iterator[None]:
    """Start processes that do not run the caller's script again, as Python would have them do.

    So a script needs no ``if __name__ == "__main__":`` around its calls. Only a function that the
    script itself defines cannot be found without it.
    """
    script = sys.modules["__main__"]
    while isinstance(function, partial):
        function = function.func
    if getattr(function, "__module__", "") == "__main__":
        yield
        return
    try:
        sys.modules["__main__"] = ModuleType("__main__")
        yield
    finally:
        sys.modules["__main__"] = script


def _in_order(
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
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Processes that end with the block, however it ends."""
    others = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")
    with _one_blas_thread_each():
        pool = ProcessPoolExecutor(workers, context, initializer=_follow_parent)
        try:
            yield pool
        except BaseException:
            for process in set(multiprocessing.active_children()) - others:
                process.terminate()
            raise
        finally:
            pool.shutdown(cancel_futures=True)


def _follow_parent() -> None:
    """Let this worker leave interrupts to its parent, and end when its parent ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None, "a worker has a parent"
    parent.join()
    os._exit(1)


@contextmanager
def _one_blas_thread_each() -> Iterator[None]:
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


def _run_on_ray(
    function: Callable[[Chunk], Result], chunks: Sequence[Chunk], engine: Engine
) -> Iterator[Result]:
    import ray
    from ray.exceptions import RayError, RayTaskError

    started = not ray.is_initialized()
    if started:
        _start_ray(engine)
    try:
        task: Any = ray.remote(max_retries=_DEATHS_PER_CHUNK)(function_of_chunk)
        shared = ray.put(function)
        cluster: Any = ray
        workers = engine.workers or max(1, int(cluster.cluster_resources().get("CPU", 1)))
        yield from _in_order(lambda chunk: task.remote(shared, chunk), cluster.get, chunks, workers)
    except RayTaskError as error:
        raise (error.cause or WorkerError(f"a task failed on Ray: {_last_line(error)}")) from None
    except RayError as error:
        raise WorkerError(
            f"Ray lost work that it could not do again: {_last_line(error)}"
        ) from None
    finally:
        if started:
            ray.shutdown()


def _last_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[-1]


def function_of_chunk(function: Callable[[Chunk], Result], chunk: Chunk) -> Result:
    """Call a function: the task that runs on Ray."""
    return function(chunk)


def _start_ray(engine: Engine) -> None:
    import ray

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is reported to anyone
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if engine.ray_address:
        # The nodes need not have benkit installed; Ray brings it to them.
        options["runtime_env"] = {"py_modules": [str(Path(__file__).parent)]}
        _require_reachable(engine.ray_address)
        options["address"] = engine.ray_address
    else:
        options |= {"num_cpus": engine.workers, "include_dashboard": False}
        options |= {"address": "local", "_node_ip_address": "127.0.0.1"}
    try:
        ray.init(**options)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise WorkerError(_NO_CLUSTER.format(engine.ray_address or "this machine", error)) from None


def _require_reachable(address: str) -> None:
    """Ray itself would wait for minutes."""
    host, _, port = address.rpartition(":")
    if not port.isdecimal():  # auto, or ray://...
        return
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except OSError as error:
        raise WorkerError(_NO_CLUSTER.format(address, error.strerror or error)) from None
