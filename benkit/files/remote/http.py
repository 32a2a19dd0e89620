"""Files of a web server: read with GET, listed by its index pages. Redirects are not followed."""

import http.client
import netrc
from base64 import b64encode
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from urllib.parse import quote, urljoin, urlsplit

from benkit.files.limits import LARGEST_FILE
from benkit.files.remote.connections import HttpConnections
from benkit.files.remote.index_page import entries_of_page
from benkit.files.remote.retry import TransientError
from benkit.files.remote.service import Entry

_BUSY = {408, 425, 429}
_GONE = {404, 410}
_DENIED = {401, 403, 407}
_FROM_NETRC = "~/.netrc"


class HttpFiles:
    """Files of one server; ``host`` is ``name`` or ``name:port``."""

    def __init__(self, scheme: str, host: str, timeout: float) -> None:
        self._root = f"{scheme}://{host}/"
        self._connections = HttpConnections(scheme, host, timeout)
        self._headers = _credentials(host) if scheme == "https" else {}

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
        answer, body = self._connections.request(method, target, self._headers, at_most)
        refuse_status(answer, target)
        return body, answer.headers


def _target(path: str, folder: bool = False) -> str:
    return quote(f"/{path}/" if folder and path else f"/{path}", safe="/")


def refuse_status(answer: http.client.HTTPResponse, target: str, why: str = "") -> None:
    """Raise the error that a status means, as `RemoteFiles` has it; nothing if all is well."""
    status = answer.status
    if status == http.client.OK:
        return
    said = f"it answers {status} {answer.reason}{why}"
    if status in _GONE:
        raise FileNotFoundError(said)
    if status in _DENIED:
        raise PermissionError(said)
    if status in _BUSY or status >= 500:
        raise TransientError(said)
    location = urlsplit(answer.headers.get("Location", "")).path
    if 300 <= status < 400 and location == f"{target}/":
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
