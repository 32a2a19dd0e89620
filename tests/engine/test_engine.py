import multiprocessing
import operator
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from benkit.engine import Engine, WorkerError, run
from benkit.errors import OptionError
from tests.conftest import ROOT


def square(number):
    return number * number


def blas_threads(_):
    return os.environ.get("OPENBLAS_NUM_THREADS")


def killed_once(flag, number):
    """Die at the seventh chunk, the first time."""
    if number == 7 and not Path(flag).exists():
        Path(flag).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def killed_always(number):
    if number == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def failing(number):
    raise ValueError(f"no {number}")


def slow(number):
    time.sleep(0.1)
    return number


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_results_come_in_order(workers):
    assert list(run(square, range(50), Engine(workers=workers))) == [n * n for n in range(50)]


def test_no_work_gives_nothing():
    assert list(run(square, [], Engine(workers=4))) == []


def test_workers_use_one_blas_thread_and_this_process_is_left_alone(monkeypatch):
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    assert set(run(blas_threads, range(4), Engine(workers=2))) == {"1"}
    assert "OPENBLAS_NUM_THREADS" not in os.environ


def test_threads_that_run_at_once_leave_the_script_and_the_environment_alone(monkeypatch):
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    script = sys.modules["__main__"]

    def squares(_):
        return list(run(square, range(4), Engine(workers=2)))

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(squares, range(6))) == [[0, 1, 4, 9]] * 6
    assert sys.modules["__main__"] is script
    assert "OPENBLAS_NUM_THREADS" not in os.environ


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_the_chunk_of_a_killed_worker_is_done_again(tmp_path):
    function = partial(killed_once, str(tmp_path / "flag"))
    assert list(run(function, range(20), Engine(workers=2))) == list(range(20))


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_workers_that_die_again_and_again_are_an_error_and_not_a_hole():
    results = []
    with pytest.raises(WorkerError, match="3 times in a row"):
        results.extend(run(killed_always, range(20), Engine(workers=2)))
    assert results == list(range(len(results)))


@pytest.mark.parametrize("workers", [1, 2])
def test_errors_reach_the_caller(workers):
    with pytest.raises(ValueError, match="no 0"):
        list(run(failing, range(20), Engine(workers=workers)))


def test_leaving_early_ends_the_workers():
    import multiprocessing

    results = run(slow, range(100), Engine(workers=2))
    assert next(results) == 0
    assert multiprocessing.active_children()
    start = time.monotonic()
    results.close()
    assert multiprocessing.active_children() == []
    assert time.monotonic() - start < 2


def test_a_script_needs_no_guard(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from benkit.engine import Engine, run\n"
        "print('once')\n"
        "print(list(run(abs, range(-3, 3), Engine(workers=2))))\n"
    )
    done = subprocess.run(
        [sys.executable, script], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("once\n[3, 2, 1, 0, 1, 2]\n", "")


def test_no_workers_are_refused():
    with pytest.raises(OptionError, match="expected 1 or more"):
        Engine(workers=0)


def test_an_unknown_engine_is_refused():
    with pytest.raises(OptionError, match="expected processes or ray"):
        Engine("threads")


def test_ray_on_this_machine():
    engine = Engine("ray", workers=2)
    assert list(run(square, range(20), engine)) == [n * n for n in range(20)]
    with pytest.raises(ValueError, match="no 0"):
        list(run(failing, range(3), engine))


def test_no_ray_cluster_there():
    with pytest.raises(WorkerError, match=r"no Ray cluster at 127\.0\.0\.1:1"):
        list(run(square, [1], Engine("ray", ray_address="127.0.0.1:1")))


class LastChunks:
    """Chunks whose reader ends after the third, as Ray ends what has called it when its node dies."""

    def __iter__(self):
        yield from (2, 3, 4)
        os._exit(1)


def test_ray_that_ends_is_an_error():
    results = run(square, LastChunks(), Engine("ray", workers=1))
    assert next(results) == 4
    with pytest.raises(WorkerError, match="this machine ended before its work was done"):
        next(results)


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_a_worker_that_is_killed_while_it_waits_does_not_hold_up_the_end():
    def kill_the_first_again_and_again():
        for _ in range(4):
            results = run(partial(operator.pow, 2), list(range(4)), Engine(workers=2))
            done.append(next(results))
            os.kill(multiprocessing.active_children()[0].pid, signal.SIGKILL)
            done.extend(results)

    done = []
    thread = threading.Thread(target=kill_the_first_again_and_again, daemon=True)
    thread.start()
    thread.join(60)
    assert done == [1, 2, 4, 8] * 4
