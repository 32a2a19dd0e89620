"""Servers on this machine for tests of remote archives, and one that fails now and then."""

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

RCLONE = Path(sys.executable).with_name("rclone")
KEY, SECRET = "key-of-tests", "secret-of-tests"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": KEY,
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "AWS_EC2_METADATA_DISABLED": "true",
}


@contextmanager
def s3_server(folder: Path, *, fixed: bool = False) -> Iterator[str]:
    """An S3 server whose buckets are the subfolders of a folder, which may be fixed; its address."""
    log = folder.with_name(f"{folder.name}.log")
    command = [RCLONE, "serve", "s3", folder, "--addr", "127.0.0.1:0", "--auth-key"]
    command += [
        f"{KEY},{SECRET}",
        "--etag-hash",
        "",
        "--dir-cache-time",
        "1h" if fixed else "1ms",  # 0s forgets all folders without end
        "--config",
        os.devnull,
    ]
    with log.open("w") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file)
    try:
        yield _address_in(log, process)
    finally:
        process.terminate()
        process.wait()


def _address_in(log: Path, process: subprocess.Popen) -> str:
    for _ in range(600):
        _, found, rest = log.read_text("utf-8").partition("on [")
        if found and "]" in rest:
            return rest.partition("/]")[0]
        assert process.poll() is None, log.read_text("utf-8")
        time.sleep(0.05)
    raise TimeoutError(log.read_text("utf-8"))


class _Quiet(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(handler) -> Iterator[str]:
    """A web server on a free port; its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def web_server(folder: Path):
    """A web server of a folder, with index pages."""
    return serving(partial(_Quiet, directory=folder))


class Connections:
    """The connections to a web server, which closes them when it is told to.

    Attributes
    ----------
    opened : int
        How many there have been.
    """

    def __init__(self) -> None:
        self.opened = 0
        self._open: set[socket.socket] = set()
        self._changed = threading.Condition()

    def close(self) -> None:
        """Close those that are idle, as a server does whose keep-alive is over."""
        with self._changed:
            for connection in self._open:
                connection.shutdown(socket.SHUT_RDWR)
            assert self._changed.wait_for(lambda: not self._open, 60)

    def server(self, folder: Path):
        """The web server, of a folder."""
        connections = self

        class Keeping(_Quiet):
            def setup(self) -> None:
                super().setup()
                with connections._changed:
                    connections.opened += 1
                    connections._open.add(self.connection)

            def finish(self) -> None:
                super().finish()
                with connections._changed:
                    connections._open.remove(self.connection)
                    connections._changed.notify_all()

        return serving(partial(Keeping, directory=folder))


def refusing(folder: Path, suffix: str, status: int):
    """A web server that always answers so for names with this ending."""

    class Refusing(_Quiet):
        def do_GET(self) -> None:
            if self.path.endswith(suffix):
                self.send_error(status)
            else:
                super().do_GET()

    return serving(partial(Refusing, directory=folder))


class Faults:
    """When a server fails: every so many requests, and for some seconds after so many requests.

    Attributes
    ----------
    requests, failed : int
        How many have come, and how many of them failed.
    """

    def __init__(
        self, every: int = 20, stop_after: int | None = None, seconds: float = 0.0
    ) -> None:
        self.requests = self.failed = 0
        self._every, self._stop_after, self._seconds = every, stop_after, seconds
        self._until = 0.0
        self._lock = threading.Lock()

    def next(self) -> str | None:
        """What becomes of the next request: None, ``busy`` or ``broken``."""
        with self._lock:
            self.requests += 1
            if self.requests == self._stop_after:
                self._until = time.monotonic() + self._seconds
            kind = None
            if time.monotonic() < self._until:
                kind = "broken"
            elif self.requests % self._every == 0:
                kind = ("busy", "broken")[self.requests // self._every % 2]
            self.failed += kind is not None
            return kind


class _Proxy(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    upstream: str
    faults: Faults
    connection_to: http.client.HTTPConnection | None = None

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fault = self.faults.next()
        if fault == "broken":
            self.close_connection = True
            return
        if fault == "busy":
            self._answer(503, "Service Unavailable", {}, b"")
            return
        if self.connection_to is None:
            self.connection_to = http.client.HTTPConnection(self.upstream)
        self.connection_to.request(self.command, self.path, body or None, dict(self.headers))
        answer = self.connection_to.getresponse()
        content = answer.read()
        self._answer(answer.status, answer.reason, dict(answer.headers), content)

    do_HEAD = do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815

    def finish(self) -> None:
        super().finish()
        if self.connection_to:
            self.connection_to.close()

    def _answer(self, status: int, reason: str, headers: dict[str, str], content: bytes) -> None:
        self.send_response_only(status, reason)
        length = headers.get("Content-Length", len(content))
        for name, value in headers.items():
            if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


def faulty(address: str, faults: Faults):
    """A server that passes requests on to another, as far as its faults let it."""
    fields = {"upstream": address.removeprefix("http://"), "faults": faults}
    return serving(type("_FaultyProxy", (_Proxy,), fields))


@contextmanager
def delaying(folder: Path, seconds: float, most: int = 10**9) -> Iterator[tuple[str, Counter[str]]]:
    """An S3 server that delays each request; its address, and what it has counted in the end."""
    command = [sys.executable, "-m", "tests.delaying_server", folder, str(seconds), str(most)]
    root = Path(__file__).resolve().parents[1]
    with subprocess.Popen(
        command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        counts: Counter[str] = Counter()
        yield process.stdout.readline().strip(), counts
        process.stdin.close()
        counts.update(json.loads(process.stdout.readline()))
