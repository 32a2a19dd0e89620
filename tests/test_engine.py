import os
import signal
from functools import partial

import pytest

from benkit.engine import WorkerError, run
from benkit.errors import OptionError


def square(number):
    return number * number


def blas_threads(_):
    return os.environ.get("OPENBLAS_NUM_THREADS")


def killed_at(victim, number):
    if number == victim:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def failing(number):
    raise ValueError(f"no {number}")


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_results_come_in_order(workers):
    assert list(run(square, range(50), workers)) == [n * n for n in range(50)]


def test_no_work_gives_nothing():
    assert list(run(square, [], 4)) == []


def test_workers_use_one_blas_thread_and_this_process_is_left_alone(monkeypatch):
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    assert set(run(blas_threads, range(4), 2)) == {"1"}
    assert "OPENBLAS_NUM_THREADS" not in os.environ


def test_a_killed_worker_is_an_error_and_not_a_hole():
    with pytest.raises(WorkerError, match="worker process ended"):
        list(run(partial(killed_at, 7), range(20), 2))


@pytest.mark.parametrize("workers", [1, 2])
def test_errors_reach_the_caller(workers):
    with pytest.raises(ValueError, match="no 0"):
        list(run(failing, range(20), workers))


def test_wrong_number_of_workers():
    with pytest.raises(OptionError, match="expected 1 or more"):
        list(run(square, [1], 0))
