"""Run a plain function over chunks of work: in this process, on local processes, or on Ray.

All engines give the results in the order of the chunks and keep only a few chunks a worker under way,
so that memory does not grow with their number. A chunk whose worker died is done again.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from benkit.errors import OptionError, WorkerError
from benkit.option_types import require_types

__all__ = ["ENGINES", "Engine", "WorkerError", "run"]

Chunk = TypeVar("Chunk")
Result = TypeVar("Result")

ENGINES = ("processes", "ray")
"""Names of the engines."""


@dataclass(frozen=True)
class Engine:
    """An engine, on which chunks of work run, and its workers.

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
        require_types(vars(self), type(self).__annotations__)
        if self.name not in ENGINES:
            raise OptionError(f"engine {self.name}: expected {' or '.join(ENGINES)}")
        if self.workers is not None and self.workers < 1:
            raise OptionError(f"workers: expected 1 or more, not {self.workers}")

    def local_workers(self, chunks: int) -> int:
        """The number of processes on this machine for so many chunks."""
        return max(1, min(self.workers or os.cpu_count() or 1, chunks))


def run(
    function: Callable[[Chunk], Result], chunks: Sequence[Chunk], engine: Engine | None = None
) -> Iterator[Result]:
    """Apply a function to every chunk; results come in the order of the chunks.

    Parameters
    ----------
    function : callable
        A function at the top of its module, or a `functools.partial` of one: it is sent to other
        processes by name.
    engine : Engine, optional
        Local processes, one a core, if not given. With one local worker, or one chunk, everything
        happens in this process.

    Raises
    ------
    WorkerError
        If workers die again and again, or the Ray cluster cannot be reached, goes away or has no CPU.
    """
    engine = engine or Engine()
    if engine.name == "ray":
        from benkit.engine.cluster import Cluster, run_on_ray

        return run_on_ray(function, chunks, Cluster(engine.ray_address, engine.workers))
    workers = engine.local_workers(len(chunks))
    if workers == 1:
        return map(function, chunks)
    from benkit.engine.local import run_on_processes

    return run_on_processes(function, chunks, workers)
