"""Servers that never answer, answer for ever, or promise more than anyone can hold."""

import socket
import threading
import time
from contextlib import contextmanager

import pytest

from benkit.cli import main
from benkit.engine import Engine
from benkit.errors import RemoteError
from benkit.files.remote import location
from benkit.files.remote.location import as_location
from benkit.inventory.scanning.scan import scan
from tests.making import rows_of, write_patch
from tests.remote import CREDENTIALS, s3_server, web_server

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"


@contextmanager
def answering(talk):
    """A server that talks to each connection in its own way until it is left; its address."""
    over = threading.Event()

    def serve():
        with socket.create_server(("127.0.0.1", 0)) as server:
            port.append(server.getsockname()[1])
            ready.set()
            server.settimeout(0.1)
            while not over.is_set():
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                threading.Thread(target=converse, args=(connection,), daemon=True).start()

    def converse(connection):
        with connection:
            try:
                connection.recv(65536)
                talk(connection, over)
            except OSError:
                return

    port, ready = [], threading.Event()
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    ready.wait()
    yield f"http://127.0.0.1:{port[0]}"
    over.set()
    thread.join()


def say_nothing(connection, over):
    over.wait(20)


def trickle(connection, over):
    connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\n")
    while not over.wait(0.05):
        connection.sendall(b"x")


def trickle_headers(connection, over):
    connection.sendall(HEAD)
    while not over.wait(0.05):
        connection.sendall(b"X")


def never_end(connection, over):
    connection.sendall(HEAD + b"\r\n")
    while not over.is_set():
        connection.sendall(bytes(65536))


def never_end_in_chunks(connection, over):
    connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    while not over.is_set():
        connection.sendall(b"10000\r\n" + bytes(65536) + b"\r\n")


def promise_terabytes(connection, over):
    connection.sendall(HEAD + b"Content-Length: 9000000000000\r\n\r\n" + bytes(1000))
    over.wait(20)


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(location, "TIMEOUT", 0.5)
    monkeypatch.setenv("BENKIT_RETRY_SECONDS", "0.3")
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("talk", [say_nothing, trickle, trickle_headers])
def test_a_silent_server_is_an_error(talk, impatient, tmp_path, capfd):
    begin = time.monotonic()
    with answering(talk) as address:
        for source in (f"{address}/archive", f"s3://bucket/a?endpoint_override={address}"):
            if source.startswith("s3") and talk is not say_nothing:
                continue  # what it reads with is not ours
            assert main(["scan", source, "--output", str(tmp_path / "i.parquet")]) == 2
            said = capfd.readouterr().err
            assert said.count("\n") == 1
            assert "failed again and again" in said
            assert source.partition("?")[0] in said
    assert time.monotonic() - begin < 15


@pytest.mark.parametrize(
    ("talk", "said"),
    [
        (never_end, "goes on and on; expected at most 1,000,000"),
        (never_end_in_chunks, "goes on and on; expected at most 1,000,000"),
        (promise_terabytes, "has 9,000,000,000,000 bytes; expected at most 1,000,000"),
    ],
)
def test_what_has_no_end_is_refused(talk, said, impatient):
    with answering(talk) as address:
        with pytest.raises(RemoteError, match=f"^{address}/m.parquet: {said}"):
            as_location(f"{address}/m.parquet").read_bytes(1_000_000)


@pytest.mark.parametrize("talk", [never_end, promise_terabytes])
def test_the_command_line_says_so(talk, impatient, monkeypatch, capfd):
    for module in ("tables.table", "writing.transfer"):
        monkeypatch.setattr(f"benkit.files.{module}.LARGEST_TABLE", 1_000_000)
    with answering(talk) as address:
        assert main(["summary", f"{address}/metadata.parquet"]) == 2
    error = capfd.readouterr().err
    assert error.startswith("benkit: http://127.0.0.1:")
    assert "expected at most 1,000,000" in error


@pytest.mark.parametrize("kind", ["s3", "web"])
def test_a_band_that_is_too_long_is_the_same_finding_as_on_disk(
    kind, impatient, tmp_path, monkeypatch
):
    patch = write_patch(tmp_path / "served" / "bucket" / "archive")
    with (patch / f"{patch.name}_B05.tif").open("ab") as file:
        file.truncate(300_000)
    for name in ("benkit.tiff.read", "benkit.archive.remote_band_reader"):
        monkeypatch.setattr(f"{name}.LARGEST_FILE", 200_000)
    one = Engine(workers=1)
    scan(tmp_path / "served" / "bucket" / "archive", tmp_path / "disk.parquet", engine=one)
    server = s3_server if kind == "s3" else web_server
    with server(tmp_path / "served") as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        source = "s3://bucket/archive" if kind == "s3" else f"{address}/bucket/archive"
        scan(source, tmp_path / "far.parquet", engine=one)
    row = next(row for row in rows_of(tmp_path / "far.parquet") if row["band"] == "B05")
    assert row["detail"] == "has 300,000 bytes; expected at most 200,000"
    assert (tmp_path / "far.parquet").read_bytes() == (tmp_path / "disk.parquet").read_bytes()
