"""How many requests are in flight, and of how many bytes: told by a server that counts them."""

import threading
import time
from contextlib import ExitStack
from functools import partial
from types import SimpleNamespace

import pytest

from benkit.files.remote.in_flight import ByteBudget, RequestLimit
from benkit.files.remote.in_parallel import Tasks
from benkit.files.remote.location import as_location
from benkit.files.remote.retry import Retry
from tests.remote import CREDENTIALS, delaying, web_server

PATIENT = Retry(first_wait=0.01, longest_wait=0.1, total=60)


@pytest.fixture
def bucket(tmp_path, monkeypatch):
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "bucket").mkdir()
    (tmp_path / "bucket" / "file").write_bytes(b"content")
    return tmp_path


def read_often(address, times):
    file = as_location(f"s3://bucket/file?endpoint_override={address}", PATIENT)
    contents = file.in_parallel(lambda _: file.read_bytes(99), range(times))
    assert contents == [b"content"] * times
    return file.limit.allowed()


def test_more_requests_in_flight_are_tried_and_nothing_is_asked_twice(bucket):
    with delaying(bucket, 0.05) as (address, counts):
        read_often(address, 400)
    assert 48 <= counts["most in flight"] <= 256
    assert counts["GET"] == counts.total() - counts["most in flight"] == 400


def test_requests_in_flight_fall_where_the_server_says_that_it_is_busy(bucket):
    with delaying(bucket, 0.005, most=8) as (address, counts):
        assert read_often(address, 300) < 16
    assert counts["GET"] == 300


@pytest.mark.parametrize(
    ("seconds_of", "expected"),
    [
        (lambda requests: 0.02, range(171, 257)),  # each for itself: the more, the faster
        (lambda requests: 0.001 * requests, range(1, 9)),  # one after the other
        (lambda requests: max(0.02, 0.0005 * requests), range(27, 61)),  # 40 at a time
    ],
)
def test_the_limit_finds_what_a_server_bears(seconds_of, expected, monkeypatch):
    now = [0.0]
    clock = SimpleNamespace(monotonic=lambda: now[0])
    monkeypatch.setattr("benkit.files.remote.in_flight.time", clock)
    limit = RequestLimit()
    for _ in range(400):
        with ExitStack() as requests:
            for _ in range(limit.allowed()):
                requests.enter_context(limit.request())
            now[0] += seconds_of(limit.allowed())
    assert limit.allowed() in expected


def test_bytes_in_flight_have_a_bound_and_one_long_answer_takes_all():
    budget, lock = ByteBudget(100), threading.Lock()
    held, most = [], []

    def read(count):
        with budget.reserve(count):
            with lock:
                held.append(count)
                most.append(sum(held))
            time.sleep(0.001)
            with lock:
                held.remove(count)
                assert count < 1000 or not held

    Tasks([partial(read, (30, 7, 1000)[number % 3]) for number in range(90)], lambda: 16).run()
    assert not held
    assert max(total for total in most if total < 1000) <= 100


@pytest.mark.parametrize("most", [1, 50_000])
def test_files_come_whole_however_small_the_budget_of_bytes(most, tmp_path, monkeypatch):
    monkeypatch.setattr("benkit.files.remote.connections.bytes_in_flight", ByteBudget(most))
    contents = [bytes([number]) * 40_000 for number in range(40)]
    for number, content in enumerate(contents):
        (tmp_path / str(number)).write_bytes(content)
    with web_server(tmp_path) as address:
        root = as_location(address)
        names = map(str, range(40))
        assert root.in_parallel(lambda name: (root / name).read_bytes(10**6), names) == contents


def test_a_task_adds_others_and_all_are_done():
    done = []

    def folder(name):
        tasks.add(partial(done.append, (name, file)) for file in range(3))

    tasks = Tasks([partial(folder, name) for name in range(50)], lambda: 1 + len(done) % 7)
    tasks.run()
    assert sorted(done) == [(name, file) for name in range(50) for file in range(3)]
