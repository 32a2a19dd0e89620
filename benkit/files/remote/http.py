"""Files of a web server: read with GET, listed by its index pages. Redirects are not followed."""

import http.client
import io
import netrc
import socket
import ssl
import time
from base64 import b64encode
from collections import deque
from contextlib import suppress
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from benkit.errors import first_line
from benkit.files.limits import LARGEST_FILE
from benkit.files.remote.index_page import entries_of_page
from benkit.files.remote.retry import TransientError
from benkit.files.remote.service import Entry, TooLongError

_SLOWEST = 1024.0  # bytes a second; slower is silent
_DROPPED = (ConnectionError, ssl.SSLEOFError)
_BUSY = {408, 425, 429}
_GONE = {404, 410}
_DENIED = {401, 403, 407}
_FROM_NETRC = "~/.netrc"


class HttpFiles:
    """Files of one server; ``host`` is ``name`` or ``name:port``.

    Connections are kept and used again; there are as many as there are requests at a time. Where the
    server has closed one meanwhile, all that are idle are given up and the request is made anew at once.
    """

    def __init__(self, scheme: str, host: str, timeout: float) -> None:
        self._root = f"{scheme}://{host}/"
        self._host, self._timeout = host, timeout
        self._context = ssl.create_default_context() if scheme == "https" else None
        self._headers = {"User-Agent": "benkit", "Accept-Encoding": "identity"}
        if scheme == "https":
            self._headers |= _credentials(host)
        self._idle: deque[http.client.HTTPConnection] = deque()

    def entries(self, path: str) -> list[Entry]:
        """List a folder by its index page."""
        target = _target(path, folder=True)
        page, headers = self._request("GET", target)
        if "html" not in headers.get("Content-Type", ""):
            raise FileNotFoundError(f"{self._root}{path}/ is no index page")
        charset = headers.get_content_charset() or "utf-8"
        try:
            text = page.decode(charset, "replace")
        except LookupError:  # a character set of its own making
            text = page.decode("utf-8", "replace")
        return entries_of_page(text, urljoin(self._root, target))

    def read(self, path: str, at_most: int) -> tuple[bytes, int | None]:
        """Read a whole file, and its stamp."""
        content, headers = self._request("GET", _target(path), at_most)
        return content, _stamp(headers)

    def stat(self, path: str) -> tuple[int, int | None]:
        """Size and stamp of a file, without reading it."""
        _, headers = self._request("HEAD", _target(path))
        length = headers.get("Content-Length")
        if length is None or not length.isdecimal():
            return 0, None
        return int(length), _stamp(headers)

    def is_folder(self, path: str) -> bool:
        """Whether the server shows an index page."""
        try:
            self.entries(path)
        except FileNotFoundError:
            return False
        return True

    def refuse_writing(self) -> str | None:
        """Say that nothing can be written."""
        return "nothing can be written to a web server"

    def write(self, path: str, source: Path) -> None:
        """Raise an OSError: nothing can be written."""
        raise OSError(self.refuse_writing())

    def _request(
        self, method: str, target: str, at_most: int = LARGEST_FILE
    ) -> tuple[bytes, http.client.HTTPMessage]:
        """Body and headers of an answer that is not an error."""
        try:
            answer, body = self._answer(method, target, at_most)
        except TooLongError:
            raise
        except ssl.SSLCertVerificationError as error:
            raise OSError(f"its certificate is not trusted: {error.verify_message}") from None
        except (OSError, http.client.HTTPException) as error:
            raise TransientError(_reason(error)) from None
        _refuse(answer, target)
        return body, answer.headers

    def _answer(
        self, method: str, target: str, at_most: int
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """An answer and its body, through an idle connection or a new one."""
        try:
            kept = self._idle.pop()
        except IndexError:
            return self._ask(self._connection(), method, target, at_most)
        try:
            return self._ask(kept, method, target, at_most)
        except (OSError, http.client.HTTPException) as error:
            with suppress(IndexError):  # the other idle ones are older, and no better
                while True:
                    self._idle.pop().close()
            if not isinstance(error, _DROPPED):
                raise
        return self._ask(self._connection(), method, target, at_most)

    def _ask(
        self, connection: http.client.HTTPConnection, method: str, target: str, at_most: int
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """The same through a given connection, which is kept if all went well."""
        try:
            connection.request(method, target, headers=self._headers)
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
        self.fp = io.BufferedReader(_TimedStream(self.fp.detach(), sock.gettimeout() or 0.0))


class _TimedStream(io.RawIOBase):
    """The bytes of a response; a server that sends them too slowly counts as silent."""

    def __init__(self, source: io.RawIOBase, timeout: float) -> None:
        self._source = source
        self._end = time.monotonic() + timeout

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
    """All that an answer holds; a `TooLongError` if that is more than ``at_most`` bytes."""
    length = answer.length
    if length is not None and length > at_most:
        raise TooLongError(at_most, length)
    body = answer.read(at_most + 1) if length is None else answer.read()
    if len(body) > at_most:
        raise TooLongError(at_most, length)
    return body


def _target(path: str, folder: bool = False) -> str:
    return quote(f"/{path}/" if folder and path else f"/{path}", safe="/")


def _refuse(answer: http.client.HTTPResponse, target: str) -> None:
    """Raise the error that a status means."""
    status = answer.status
    if status == http.client.OK:
        return
    said = f"it answers {status} {answer.reason}"
    if status in _GONE:
        raise FileNotFoundError(said)
    if status in _DENIED:
        raise PermissionError(said)
    if status in _BUSY or status >= 500:
        raise TransientError(said)
    target = urlsplit(answer.headers.get("Location", "")).path
    if 300 <= status < 400 and target == f"{target}/":
        raise IsADirectoryError("it is a folder")
    if 300 <= status < 400:
        raise OSError(f"{said}, which leads elsewhere; name the URL that it leads to")
    raise OSError(said)


def _stamp(headers: http.client.HTTPMessage) -> int | None:
    """A number that changes with the file (ETag or time); None if the server does not tell."""
    text = headers.get("ETag") or headers.get("Last-Modified")
    if not text:
        return None
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it does not answer"
    if isinstance(error, http.client.IncompleteRead):
        return "it breaks off in the middle"
    return getattr(error, "strerror", None) or first_line(error)


@lru_cache(maxsize=8)
def _credentials(host: str) -> dict[str, str]:
    """User and password for this host from the file in which such things are kept."""
    try:
        found = netrc.netrc(str(Path(_FROM_NETRC).expanduser())).hosts.get(host.partition(":")[0])
    except (OSError, netrc.NetrcParseError):
        return {}
    if found is None:
        return {}
    user, _, password = found
    return {"Authorization": f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"}
