"""Connections to a web server: kept and used again, and given up where it is silent.

Redirects are not followed, and no more bytes are taken than are wanted.
"""

import http.client
import io
import os
import socket
import ssl
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from benkit.errors import first_line
from benkit.files.limits import LARGEST_FILE
from benkit.files.remote.in_flight import bytes_in_flight
from benkit.files.remote.retry import TransientError
from benkit.files.remote.service import TooLongError

_SLOWEST = 1024.0  # bytes a second; slower is silent
_DROPPED = (ConnectionError, ssl.SSLEOFError)
_SHORT = 2**20  # bytes of an answer that does not tell its length, without more ado
_HEADERS = {"User-Agent": "benkit", "Accept-Encoding": "identity"}


class HttpConnections:
    """Connections to one server; ``host`` is ``name`` or ``name:port``.

    There are as many as there are requests at a time. Where the server has closed one meanwhile, all
    that are idle are given up and the request is made anew at once.
    """

    def __init__(self, scheme: str, host: str, timeout: float) -> None:
        self._host, self._timeout = host, timeout
        self._context = ssl.create_default_context() if scheme == "https" else None
        self._idle: deque[http.client.HTTPConnection] = deque()
        self._process = os.getpid()

    def request(
        self, method: str, target: str, headers: Mapping[str, str], at_most: int = LARGEST_FILE
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """An answer, whatever its status, and its body.

        Raises
        ------
        TransientError
            If there is none, or not all of it.
        TooLongError
            If it has more than ``at_most`` bytes.
        OSError
            If the server is not the one that it claims to be.
        """
        try:
            return self._answer(method, target, {**_HEADERS, **headers}, at_most)
        except TooLongError:
            raise
        except ssl.SSLCertVerificationError as error:
            raise OSError(f"its certificate is not trusted: {error.verify_message}") from None
        except (OSError, http.client.HTTPException) as error:
            raise TransientError(_reason(error)) from None

    def _answer(
        self, method: str, target: str, headers: Mapping[str, str], at_most: int
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """An answer and its body, through an idle connection or a new one."""
        if self._process != os.getpid():  # a fork shares its parent's connections
            self._process, self._idle = os.getpid(), deque()
        try:
            kept = self._idle.pop()
        except IndexError:
            return self._ask(self._connection(), method, target, headers, at_most)
        try:
            return self._ask(kept, method, target, headers, at_most)
        except (OSError, http.client.HTTPException) as error:
            with suppress(IndexError):  # the other idle ones are older, and no better
                while True:
                    self._idle.pop().close()
            if not isinstance(error, _DROPPED):
                raise
        return self._ask(self._connection(), method, target, headers, at_most)

    def _ask(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        target: str,
        headers: Mapping[str, str],
        at_most: int,
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """The same through a given connection, which is kept if all went well."""
        try:
            connection.request(method, target, headers=headers)
            answer = connection.getresponse()
            body = _body(answer, at_most)
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)
        return answer, body

    def _connection(self) -> http.client.HTTPConnection:
        connection = (
            http.client.HTTPSConnection(self._host, timeout=self._timeout, context=self._context)
            if self._context
            else http.client.HTTPConnection(self._host, timeout=self._timeout)
        )
        connection.response_class = _Answer
        return connection


class _Answer(http.client.HTTPResponse):
    """A response that is refused where its body comes too slowly."""

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.timed = _TimedStream(self.fp.detach(), sock.gettimeout() or 0.0)
        self.fp = io.BufferedReader(self.timed)


class _TimedStream(io.RawIOBase):
    """The bytes of a response; a server that sends them too slowly counts as silent."""

    def __init__(self, source: io.RawIOBase, timeout: float) -> None:
        self._source, self._timeout = source, timeout
        self.start()

    def start(self) -> None:
        """Begin to wait now."""
        self._end = time.monotonic() + self._timeout

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if time.monotonic() > self._end:
            raise TimeoutError
        count = self._source.readinto(buffer)
        self._end += (count or 0) / _SLOWEST
        return count

    def close(self) -> None:
        self._source.close()
        super().close()


def _body(answer: http.client.HTTPResponse, at_most: int) -> bytes:
    """All that an answer holds, when there is room for it in the budget of bytes in flight."""
    assert isinstance(answer, _Answer), "it is made by a connection of this module"
    length = answer.length
    if length is not None and length > at_most:
        raise TooLongError(at_most, length)
    with bytes_in_flight.reserve(_SHORT if length is None else length):
        answer.timed.start()
        body = answer.read(min(_SHORT, at_most + 1)) if length is None else answer.read()
    if length is None and len(body) >= _SHORT:
        with bytes_in_flight.reserve(at_most):
            answer.timed.start()
            body += answer.read(at_most + 1 - len(body))
    if len(body) > at_most:
        raise TooLongError(at_most, length)
    return body


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it does not answer"
    if isinstance(error, http.client.IncompleteRead):
        return "it breaks off in the middle"
    return getattr(error, "strerror", None) or first_line(error)
