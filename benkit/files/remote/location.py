"""Places that a text can name: a path on this machine, or a location on a file system at a distance.

A `Location` answers to the few names of `pathlib.Path` that reading, listing and naming need, so that
most code need not know which of the two it has.
"""

import os
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Self, TypeVar
from urllib.parse import unquote, urlsplit

from benkit.errors import AccessError, MissingInputError, OptionError, RemoteError
from benkit.files.remote.retry import PassingError, patiently
from benkit.files.remote.service import Entry, RemoteFiles, TooLongError

__all__ = ["Location", "Place", "PlaceLike", "place", "refuse_credentials"]

Result = TypeVar("Result")

_URI = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://(.*)", re.DOTALL)
_CREDENTIALS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/+[^/?#\s]*:[^/?#\s]*@")
_SECRET_OPTION = re.compile("key|secret|token|passw|sas|sig|credential", re.IGNORECASE)
_WEB = ("http", "https")
_one_at_a_time = threading.Lock()
_OPTIONS = {
    "s3": ("anonymous", "endpoint_override", "region", "scheme"),
    "gs": ("anonymous", "endpoint_override", "scheme"),
    **dict.fromkeys(_WEB, ()),
}
_HOW = {
    "s3": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; for a public bucket "
    "write ?anonymous=true behind the address",
    "gs": "set GOOGLE_APPLICATION_CREDENTIALS; for a public bucket write ?anonymous=true behind the "
    "address",
    "https": "put the user and the password for this host into ~/.netrc",
}


@dataclass(frozen=True)
class Location:
    """A file or folder on a file system at a distance.

    Two locations are equal if their addresses are. It holds no secret and no connection, and can be
    sent to other processes.

    Attributes
    ----------
    scheme : str
        ``s3``, ``gs``, ``https`` and so on.
    host : str
        Bucket, or name and port of a server.
    path : str
        In the bucket or on the server, with ``/``, without one at either end.
    options : tuple of (str, str)
        How to reach it, such as the endpoint of an S3 server.
    """

    scheme: str
    host: str
    path: str
    options: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """The address, without its options."""
        return f"{self.scheme}://{self.host}/{self.path}"

    def __truediv__(self, name: str) -> Self:
        """What lies under a name in this folder."""
        path = f"{self.path}/{name}" if self.path else name
        return type(self)(self.scheme, self.host, path, self.options)

    @property
    def name(self) -> str:
        """Last part of the path."""
        return self.path.rpartition("/")[2]

    @property
    def stem(self) -> str:
        """Name without its last suffix."""
        return PurePosixPath(self.path).stem

    @property
    def suffix(self) -> str:
        """Last suffix of the name, with its dot."""
        return PurePosixPath(self.path).suffix

    @property
    def suffixes(self) -> list[str]:
        """All suffixes of the name."""
        return PurePosixPath(self.path).suffixes

    def with_stem(self, stem: str) -> Self:
        """The same with another name before the suffix."""
        folder = self.path.rpartition("/")[0]
        name = f"{stem}{self.suffix}"
        path = f"{folder}/{name}" if folder else name
        return type(self)(self.scheme, self.host, path, self.options)

    def resolve(self) -> Self:
        """The location itself: there are no links."""
        return self

    def is_dir(self) -> bool:
        """Whether there is a folder."""
        return self._ask(lambda files: files.is_folder(self.path))

    def is_file(self) -> bool:
        """Whether there is a file."""
        return self._ask(lambda files: files.is_file(self.path))

    def exists(self) -> bool:
        """Whether there is a file or a folder."""
        return self.is_file() or self.is_dir()

    def entries(self) -> list[Entry]:
        """What lies in the folder, sorted by name.

        Raises
        ------
        MissingInputError
            If there is no such folder.
        RemoteError
            If it cannot be listed.
        """
        found = self._ask(lambda files: files.entries(self.path))
        return [entry for entry in found if entry.name not in ("", ".", "..")]

    def read_bytes(self, at_most: int) -> bytes:
        """Read a whole file.

        Parameters
        ----------
        at_most : int
            Bytes; of a longer one nothing is kept.

        Raises
        ------
        MissingInputError
            If there is no such file.
        RemoteError
            If it cannot be read, or is longer.
        """
        return self.read(at_most)[0]

    def read(self, at_most: int) -> tuple[bytes, int | None]:
        """Read a whole file; also its stamp, as `Entry` has it, if it is told."""
        return self._ask(lambda files: files.read(self.path, at_most))

    def look(self) -> tuple[int, int | None]:
        """Size and stamp of a file."""
        return self._ask(lambda files: files.look(self.path))

    def upload(self, source: Path) -> None:
        """Write a local file's content; whoever reads meanwhile gets the old file or the new one."""
        self._ask(lambda files: files.write(self.path, source))

    def refuse_writing(self) -> str | None:
        """Why nothing can be written here, None if nothing is known against it."""
        return _files(self.scheme, self.host, self.options).refuse_writing()

    def _ask(self, question: Callable[[RemoteFiles], Result]) -> Result:
        """Ask the service patiently, and name this location where it fails."""
        try:
            return patiently(lambda: question(_files(self.scheme, self.host, self.options)))
        except FileNotFoundError:
            raise MissingInputError(
                f"{self}: expected a file or folder, but there is nothing"
            ) from None
        except PermissionError as error:
            how = _HOW.get(self.scheme, "give credentials as docs/remote.md says")
            raise AccessError(f"{self}: access is denied ({error}); {how}") from None
        except TooLongError as error:
            raise TooLongError(error.at_most, error.size, str(self)) from None
        except PassingError as error:
            raise RemoteError(
                f"{self}: failed again and again for a minute ({error}); check the address and the "
                "network, and give the same command again later"
            ) from None
        except OSError as error:
            raise RemoteError(f"{self}: cannot be reached: {error}; check the address") from None


Place = Path | Location
"""A path on this machine, or a location."""

PlaceLike = str | os.PathLike[str] | Location
"""What names a place."""


def place(text: PlaceLike) -> Place:
    """What a text names.

    Parameters
    ----------
    text : str, path or Location
        A path on this machine; or a URI: ``s3://bucket/path``, ``gs://bucket/path``,
        ``https://host/path``, or another that pyarrow knows a file system for. ``file://`` is a path.

    Raises
    ------
    OptionError
        If a URI holds credentials, which are not repeated, or an option that is not known.

    Examples
    --------
    >>> place("s3://bucket/archive/").name
    'archive'
    >>> place("archive").is_absolute()
    False
    """
    if isinstance(text, Location):
        return text
    text = os.fspath(text)
    matched = _URI.fullmatch(text)
    if not matched:
        return Path(text)
    refuse_credentials(text)
    scheme, rest = matched[1].lower(), matched[2]
    scheme = "gs" if scheme == "gcs" else scheme
    rest, _, query = rest.partition("?")
    host, _, path = rest.partition("/")
    if scheme == "file":
        return Path(unquote(f"/{path}"))
    if scheme in _WEB:
        path = unquote(path.partition("#")[0])
    options = _options(scheme, query)
    if "@" in host and (scheme in _WEB or scheme in _OPTIONS):
        user, _, host = host.rpartition("@")
        if (scheme, user) != ("gs", "anonymous"):
            raise OptionError(_NO_CREDENTIALS.format(scheme))
        options["anonymous"] = "true"
    if not host and scheme in _OPTIONS:
        raise OptionError(f"{scheme}://: expected a {'host' if scheme in _WEB else 'bucket'} name")
    return Location(scheme, host, path.strip("/"), tuple(sorted(options.items())))


_NO_CREDENTIALS = (
    "{}://...: expected an address without user and password; give them through the environment "
    "(docs/remote.md says how)"
)


def refuse_credentials(text: str) -> None:
    """Refuse a text with a user and a password in a URI, without repeating it.

    Raises
    ------
    OptionError
    """
    if found := _CREDENTIALS.search(text):
        raise OptionError(_NO_CREDENTIALS.format(found[0].partition(":")[0]))


def _options(scheme: str, query: str) -> dict[str, str]:
    """What stands behind the ``?``; and the endpoint that the environment names."""
    options = {}
    known = _OPTIONS.get(scheme)
    for pair in filter(None, query.split("&")):
        name, _, value = pair.partition("=")
        if _SECRET_OPTION.search(name):
            raise OptionError(_NO_CREDENTIALS.format(scheme))
        if known is not None and name not in known:
            raise OptionError(
                f"{scheme}://...: expected {' or '.join(known) or 'nothing'} behind the ?, but "
                "there is something else"
            )
        options[name] = unquote(value)
    if scheme == "s3" and "endpoint_override" not in options:
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        if endpoint:
            if urlsplit(endpoint).username or urlsplit(endpoint).password:
                raise OptionError(_NO_CREDENTIALS.format("AWS_ENDPOINT_URL"))
            options["endpoint_override"] = endpoint
    return options


def _files(scheme: str, host: str, options: tuple[tuple[str, str], ...]) -> RemoteFiles:
    with _one_at_a_time:
        return _service(scheme, host, options)


@lru_cache(maxsize=16)
def _service(scheme: str, host: str, options: tuple[tuple[str, str], ...]) -> RemoteFiles:
    """The files of a service; made once a process, by whichever thread is first."""
    if scheme in _WEB:
        from benkit.files.remote.http import HttpFiles

        return HttpFiles(scheme, host)
    from benkit.files.remote.arrow import ArrowFiles

    return ArrowFiles(scheme, host, dict(options))
