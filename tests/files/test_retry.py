import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice

import pytest

from benkit.errors import OptionError, RemoteError
from benkit.files.remote.in_parallel import in_parallel
from benkit.files.remote.location import as_location
from benkit.files.remote.retry import Retry, TransientError, retrying
from tests.remote import Faults, faulty, web_server

SHORT = Retry(first_wait=0.01, longest_wait=0.02, total=0.1)
FOR_HOURS = Retry(first_wait=3600, longest_wait=3600, total=1e6)


def failing(times, error):
    left = [times]

    def request():
        left[0] -= 1
        if left[0] >= 0:
            raise error
        return "answer"

    return request


def test_each_wait_is_twice_the_one_before():
    assert list(islice(Retry().waits(), 8)) == pytest.approx([0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10])


def test_transient_faults_are_retried():
    begin = time.monotonic()
    assert retrying(failing(4, TransientError("busy")), replace(SHORT, total=10)) == "answer"
    assert time.monotonic() - begin >= 0.07


def test_patience_ends_with_the_total():
    begin = time.monotonic()
    with pytest.raises(TransientError, match="busy"):
        retrying(failing(1000, TransientError("busy")), SHORT)
    assert 0.08 <= time.monotonic() - begin < 1


def test_a_total_of_nothing_is_one_try():
    with pytest.raises(TransientError, match="busy"):
        retrying(failing(1, TransientError("busy")), Retry(total=0))


@pytest.mark.parametrize("error", [FileNotFoundError(), PermissionError(), OSError("for good")])
def test_other_faults_are_told_at_once(error):
    with pytest.raises(type(error)):
        retrying(failing(1, error), FOR_HOURS)


@pytest.mark.parametrize(
    "waits", [(0, 1, 1), (-1, 1, 1), (2, 1, 1), (1, 2, -1), (1, 2, float("nan"))]
)
def test_waits_that_make_no_sense_are_refused(waits):
    with pytest.raises(OptionError, match="expected 0 < first_wait <= longest_wait"):
        Retry(*waits)


def test_the_environment_sets_the_total(monkeypatch):
    monkeypatch.setenv("BENKIT_RETRY_SECONDS", "7.5")
    assert as_location("https://host/x").retry == Retry(total=7.5)
    assert as_location("https://host/x", SHORT).retry == SHORT
    monkeypatch.delenv("BENKIT_RETRY_SECONDS")
    assert as_location("https://host/x").retry == Retry(total=60)


@pytest.mark.parametrize("text", ["soon", "-1", "nan"])
def test_a_total_that_is_no_time_is_refused(monkeypatch, text):
    monkeypatch.setenv("BENKIT_RETRY_SECONDS", text)
    with pytest.raises(OptionError, match="expected"):
        as_location("https://host/x")


def test_a_location_takes_its_waits_along():
    location = as_location("https://host/x", SHORT)
    assert (location / "y").with_stem("z").retry == SHORT
    assert pickle.loads(pickle.dumps(location)).retry == SHORT
    other = replace(location, retry=Retry())
    assert (location, hash(location)) == (other, hash(other))


def test_a_location_asks_again_as_long_as_it_is_told(tmp_path):
    (tmp_path / "file").write_bytes(b"content")
    with web_server(tmp_path) as server:
        with faulty(server, Faults(every=2)) as address:
            assert [as_location(f"{address}/file", SHORT).read_bytes(99) for _ in range(4)] == [
                b"content"
            ] * 4
        with faulty(server, Faults(every=1)) as address:
            with pytest.raises(RemoteError, match=r"failed again and again for 0\.1 s"):
                as_location(f"{address}/file", SHORT).read_bytes(99)


def test_results_come_in_order():
    assert in_parallel(str, range(100)) == [str(number) for number in range(100)]


def test_one_error_ends_the_waiting_of_all_that_are_asked_with_it():
    def request(number):
        if number == 0:
            raise ValueError("broken")
        return retrying(failing(1000, TransientError("busy")), FOR_HOURS)

    with pytest.raises(ValueError, match="broken"):
        in_parallel(request, range(500))
    assert retrying(failing(1, TransientError("busy")), SHORT) == "answer"  # and is there again


def test_after_an_error_no_thread_is_started():
    def request(number):
        if number == 0:
            raise ValueError("broken")
        time.sleep(0.01)

    before = threading.active_count()
    with pytest.raises(ValueError, match="broken"):
        in_parallel(request, range(10**6))
    for _ in range(500):
        if threading.active_count() <= before:
            return
        time.sleep(0.01)
    pytest.fail(f"{threading.active_count() - before} threads are still at work")


def test_an_error_ends_no_waiting_of_others():
    waiting, over = threading.Event(), threading.Event()

    def request():
        waiting.set()
        if not over.is_set():
            raise TransientError("busy")
        return "answer"

    def wait_long(_):
        return retrying(request, Retry(first_wait=0.05, longest_wait=0.05, total=100))

    def fail(_):
        raise ValueError("broken")

    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(in_parallel, wait_long, [0])
        waiting.wait()
        for _ in range(20):
            with pytest.raises(ValueError, match="broken"):
                in_parallel(fail, range(2))
        over.set()
        assert other.result() == ["answer"]
