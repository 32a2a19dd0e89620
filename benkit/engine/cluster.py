"""Run chunks on Ray: on a cluster, or on this machine alone.

Ray ends the process that has called it, without a word, when the Ray node of that process or the head
of the cluster dies. So it is called by a process of its own, whose end is an error like any other.
"""

import multiprocessing
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

from benkit.engine.local import DEATHS_PER_CHUNK, follow_parent, in_order, starting
from benkit.errors import WorkerError, first_line

Chunk = TypeVar("Chunk")
Result = TypeVar("Result")

NODE_TIMEOUT = 30.0
"""Seconds without a node that has a CPU until that is an error."""

_UNTIL_KILLED = 15.0  # seconds
_NO_CLUSTER = (
    "no Ray cluster at {}: {}; start one with `ray start --head`, or leave out the address"
)
_GONE = (
    "Ray at {} ended before its work was done: its node on this machine, or the head of the cluster, "
    "is gone; start it anew and run the same command again"
)


@dataclass(frozen=True)
class Cluster:
    """A Ray cluster: ``ray_address`` and ``workers`` of a `benkit.engine.Engine`."""

    address: str | None
    workers: int | None

    @property
    def name(self) -> str:
        """What errors call it."""
        return self.address or "this machine"


def run_on_ray(
    function: Callable[[Chunk], Result], chunks: Sequence[Chunk], cluster: Cluster
) -> Iterator[Result]:
    """Apply a function to every chunk on Ray; as `benkit.engine.run`.

    A caller who has started Ray himself keeps it; then it is called by this process.
    """
    loaded: Any = sys.modules.get("ray")
    if loaded is not None and loaded.is_initialized():
        yield from _results(function, chunks, cluster)
        return
    if cluster.address:
        _require_reachable(cluster.address)
    reader, writer = multiprocessing.Pipe(duplex=False)
    caller = multiprocessing.get_context("spawn").Process(
        target=_call_ray, args=(writer, function, chunks, cluster)
    )
    with starting(function):
        caller.start()
    writer.close()
    try:
        yield from _received(reader, cluster)
    finally:
        reader.close()
        caller.terminate()
        caller.join(_UNTIL_KILLED)
        caller.kill()


def _received(reader: Connection, cluster: Cluster) -> Iterator[Any]:
    """What the calling process sends: results, then nothing or an error."""
    while True:
        try:
            some, error = reader.recv()
        except EOFError:
            raise WorkerError(_GONE.format(cluster.name)) from None
        if error is not None:
            raise error
        if not some:
            return
        yield some[0]


def _call_ray(
    writer: Connection, function: Callable[..., Any], chunks: Sequence[Any], cluster: Cluster
) -> None:
    """Send results as they come: what runs in the calling process."""
    follow_parent()
    _silence()
    with suppress(BrokenPipeError):  # nobody wants more
        try:
            for result in _results(function, chunks, cluster):
                writer.send(([result], None))
        except Exception as error:
            writer.send(([], error))
        else:
            writer.send(([], None))


def _silence() -> None:
    """Discard what Ray writes to the terminal: many lines when a node dies."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


def _results(
    function: Callable[[Chunk], Result], chunks: Sequence[Chunk], cluster: Cluster
) -> Iterator[Result]:
    """Results in order, from Ray that is called by this process."""
    import ray
    from ray.exceptions import LocalRayletDiedError, RayError, RayTaskError

    started = not ray.is_initialized()
    if started:
        _start_ray(cluster)
    try:
        task: Any = ray.remote(max_retries=DEATHS_PER_CHUNK)(function_of_chunk)
        shared = ray.put(function)
        every: Any = ray
        workers = cluster.workers or max(1, int(every.cluster_resources().get("CPU", 1)))
        result_of = partial(_result_of, cluster)
        yield from in_order(partial(task.remote, shared), result_of, chunks, workers)
    except RayTaskError as error:
        cause = error.cause or WorkerError(f"a task failed on Ray: {first_line(error)}")
        raise cause from None
    except LocalRayletDiedError:
        raise WorkerError(_GONE.format(cluster.name)) from None
    except RayError as error:
        raise WorkerError(
            f"Ray at {cluster.name} cannot finish the work: {first_line(error)} Run the same command "
            "again, with more memory or fewer workers if workers died"
        ) from None
    finally:
        if started:
            ray.shutdown()


def _result_of(cluster: Cluster, submitted: Any) -> Any:
    """Wait for a result as long as there is a node that can work for it."""
    import ray
    from ray.exceptions import GetTimeoutError

    every: Any = ray
    seen = time.monotonic()
    while True:
        try:
            return every.get(submitted, timeout=NODE_TIMEOUT / 6)
        except GetTimeoutError:
            nodes = every.nodes()
        working = [node for node in nodes if node["Alive"] and node["Resources"].get("CPU", 0) >= 1]
        if working:
            seen = time.monotonic()
        elif time.monotonic() - seen > NODE_TIMEOUT:
            raise WorkerError(
                f"Ray at {cluster.name} has had no node with a CPU for {NODE_TIMEOUT:.0f} s, and "
                f"{sum(not node['Alive'] for node in nodes)} of {len(nodes)} nodes are gone; add one "
                "with `ray start --address` and run the same command again"
            )


def function_of_chunk(function: Callable[[Chunk], Result], chunk: Chunk) -> Result:
    """Call a function: the task that runs on Ray."""
    return function(chunk)


def _start_ray(cluster: Cluster) -> None:
    import ray

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is reported to anyone
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if cluster.address:
        # The nodes need not have benkit installed; Ray brings it to them.
        options["runtime_env"] = {"py_modules": [str(Path(__file__).parents[1])]}
        options["address"] = cluster.address
    else:
        options |= {"num_cpus": cluster.workers, "include_dashboard": False}
        options |= {"address": "local", "_node_ip_address": "127.0.0.1"}
    try:
        ray.init(**options)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise WorkerError(_NO_CLUSTER.format(cluster.name, error)) from None


def _require_reachable(address: str) -> None:
    """Refuse an address at which nothing listens: Ray itself would wait for minutes."""
    host, _, port = address.rpartition(":")
    if not port.isdecimal():  # auto, or ray://...
        return
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except OSError as error:
        raise WorkerError(_NO_CLUSTER.format(address, error.strerror or error)) from None
