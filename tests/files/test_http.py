"""Connections to a web server: kept, used again, and given up when the server has closed them."""

import os
import threading
from multiprocessing import get_context

import pytest

from benkit.files.remote.in_parallel import in_parallel
from benkit.files.remote.location import as_location
from benkit.files.remote.retry import Retry
from tests.remote import Connections

ONCE = Retry(total=0)
SIDE_BY_SIDE = 16


@pytest.fixture
def connections():
    return Connections()


@pytest.fixture
def file(tmp_path, connections):
    (tmp_path / "file").write_bytes(b"content")
    with connections.server(tmp_path) as address:
        yield as_location(f"{address}/file", ONCE)


def read_side_by_side(file):
    """Read a file through as many connections at a time."""
    together = threading.Barrier(SIDE_BY_SIDE)

    def read(_):
        together.wait()
        return file.read_bytes(99)

    assert in_parallel(read, range(SIDE_BY_SIDE)) == [b"content"] * SIDE_BY_SIDE


def test_a_connection_is_kept_and_used_again(file, connections):
    for _ in range(10):
        assert file.read_bytes(99) == b"content"
    assert connections.opened == 1


def test_kept_connections_that_the_server_has_closed_are_replaced_at_once(file, connections):
    read_side_by_side(file)
    before = connections.opened
    connections.close()
    for _ in range(10):
        assert file.read_bytes(99) == b"content"
    assert connections.opened == before + 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_fork_has_connections_and_requests_of_its_own(file, connections):
    with file.limit.request():
        assert file.read_bytes(99) == b"content"
        with get_context("fork").Pool(1) as pool:
            assert pool.apply(file.read_bytes, (99,)) == b"content"
    assert connections.opened == 2


def test_so_are_those_of_many_requests_at_a_time(file, connections):
    for _ in range(3):
        read_side_by_side(file)
        connections.close()
