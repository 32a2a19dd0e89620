"""Locations: a path on this machine, or one on a remote file system, which a URL names.

A `RemotePath` answers to the few names of `pathlib.Path` that reading, listing and naming need, so that
most code need not know which of the two it has.
"""

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Self, TypeGuard, TypeVar

from benkit.errors import AccessError, MissingInputError, OptionError, RemoteError
from benkit.files.remote.in_flight import RequestLimit
from benkit.files.remote.in_parallel import in_parallel
from benkit.files.remote.retry import Retry, TransientError, retrying
from benkit.files.remote.service import Entry, RemoteFiles, TooLongError
from benkit.files.remote.url import parse_url

Item = TypeVar("Item")
Result = TypeVar("Result")

TIMEOUT = 30.0
"""Seconds without an answer until a server counts as silent."""

_one_at_a_time = threading.Lock()
_HOW = {
    "s3": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; for a public bucket "
    "write ?anonymous=true at the end of the URL",
    "gs": "set GOOGLE_APPLICATION_CREDENTIALS; for a public bucket write ?anonymous=true at the end of "
    "the URL",
    "https": "put the user and the password for this host into ~/.netrc",
}


@dataclass(frozen=True)
class RemotePath:
    """A file or folder on a remote file system.

    It holds no secret and no connection, and can be sent to other processes.

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
    retry : Retry
        When requests that fail for the moment are made again.
    """

    scheme: str
    host: str
    path: str
    options: tuple[tuple[str, str], ...] = ()
    retry: Retry = field(default_factory=Retry.from_environment, compare=False, repr=False)

    def __str__(self) -> str:
        """The URL, without its options."""
        return f"{self.scheme}://{self.host}/{self.path}"

    def __truediv__(self, name: str) -> Self:
        """What lies under a name in this folder."""
        return replace(self, path=f"{self.path}/{name}" if self.path else name)

    @property
    def name(self) -> str:
        """Last part of the path."""
        return self.path.rpartition("/")[2]

    @property
    def parent(self) -> Self:
        """The folder that this lies in."""
        return replace(self, path=self.path.rpartition("/")[0])

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
        return replace(self, path=f"{self.path.removesuffix(self.name)}{stem}{self.suffix}")

    def resolve(self) -> Self:
        """The location itself: there are no links."""
        return self

    def is_dir(self) -> bool:
        """Whether there is a folder."""
        return self._ask(lambda files: files.is_folder(self.path))

    def is_file(self) -> bool:
        """Whether there is a file, under exactly this name."""

        def question(files: RemoteFiles) -> bool:
            with suppress(FileNotFoundError, IsADirectoryError):
                files.stat(self.path)
                return True
            return False

        return self._ask(question)

    def exists(self) -> bool:
        """Whether there is a file or a folder."""
        return self.is_file() or self.is_dir()

    def entries(self) -> list[Entry]:
        """What lies in the folder, sorted by name; a `MissingInputError` if there is no such folder."""
        found = self._ask(lambda files: files.entries(self.path))
        return [entry for entry in found if entry.name not in ("", ".", "..")]

    def read_bytes(self, at_most: int) -> bytes:
        """Read a whole file; a `TooLongError` if it has more bytes than ``at_most``."""
        return self.read(at_most)[0]

    def read(self, at_most: int) -> tuple[bytes, int | None]:
        """Read a whole file; also its stamp, as `Entry` has it, if it is told."""
        return self._ask(lambda files: files.read(self.path, at_most))

    def stat(self) -> tuple[int, int | None]:
        """Size and stamp of a file."""
        return self._ask(lambda files: files.stat(self.path))

    def upload(self, source: Path) -> None:
        """Write a local file's content; whoever reads meanwhile gets the old file or the new one."""
        self._ask(lambda files: files.write(self.path, source))

    def refuse_writing(self) -> str | None:
        """Why nothing can be written here, None if nothing is known against it."""
        return self._ask(lambda files: files.refuse_writing())

    @property
    def limit(self) -> RequestLimit:
        """How many requests to this server are in flight at a time."""
        with _one_at_a_time:
            return _limit_of(self.scheme, self.host, self.options)

    def in_parallel(
        self, function: Callable[[Item], Result], items: Iterable[Item]
    ) -> list[Result]:
        """Apply a function that asks this server to many items, as many at a time as it bears."""
        return in_parallel(function, items, self.limit.allowed)

    def _files(self) -> RemoteFiles:
        with _one_at_a_time:
            return _files_of(self.scheme, self.host, self.options)

    def _ask(self, question: Callable[[RemoteFiles], Result]) -> Result:
        """Ask the service, again where it fails for the moment; errors name this location."""

        def once() -> Result:
            with self.limit.request():
                return question(self._files())

        try:
            return retrying(once, self.retry)
        except FileNotFoundError:
            raise MissingInputError(
                f"{self}: expected a file or folder, but there is nothing"
            ) from None
        except PermissionError as error:
            how = _HOW.get(self.scheme, "give credentials as docs/remote.md says")
            raise AccessError(f"{self}: access is denied ({error}); {how}") from None
        except TooLongError as error:
            raise TooLongError(error.at_most, error.size, str(self)) from None
        except TransientError as error:
            total = "a minute" if self.retry.total == 60 else f"{self.retry.total:g} s"
            raise RemoteError(
                f"{self}: failed again and again for {total} ({error}); check the URL and the "
                "network, and give the same command again later"
            ) from None
        except OSError as error:
            raise RemoteError(f"{self}: cannot be reached: {error}; check the URL") from None


@lru_cache(maxsize=16)
def _files_of(scheme: str, host: str, options: tuple[tuple[str, str], ...]) -> RemoteFiles:
    """The files of a service: one of each host in a process."""
    if scheme in ("http", "https"):
        from benkit.files.remote.http import HttpFiles

        return HttpFiles(scheme, host, TIMEOUT)
    from benkit.files.remote.arrow import ArrowFiles

    return ArrowFiles(scheme, host, dict(options), TIMEOUT)


@lru_cache(maxsize=16)
def _limit_of(scheme: str, host: str, options: tuple[tuple[str, str], ...]) -> RequestLimit:
    """The limit of requests to a server: one of each in a process."""
    return RequestLimit()


if hasattr(os, "register_at_fork"):  # a fork has none of its parent's requests in flight
    os.register_at_fork(after_in_child=_limit_of.cache_clear)


Location = Path | RemotePath
"""Where a file or folder lies: a path on this machine, or a remote one."""

LocationLike = str | os.PathLike[str] | RemotePath
"""What names a location: a path, or a URL as text."""


def as_location(text: LocationLike, retry: Retry | None = None) -> Location:
    """The location that a path or URL names.

    Parameters
    ----------
    text : str, path or RemotePath
        A path on this machine; or a URL: ``s3://bucket/path``, ``gs://bucket/path``,
        ``https://host/path``, or another that pyarrow knows a file system for. ``file://`` is a path.
    retry : Retry, optional
        When requests that fail for the moment are made again; `Retry.from_environment` if not given.

    Raises
    ------
    OptionError
        If a URL holds credentials, which are not repeated, or an option that is not known; or if it is
        no text or path.

    Examples
    --------
    >>> as_location("s3://bucket/archive/").name
    'archive'
    >>> as_location("archive").is_absolute()
    False
    """
    if isinstance(text, RemotePath):
        return text
    parsed = parse_url(os.fspath(_checked(text)))
    if parsed is None:
        return Path(text)
    if parsed.scheme == "file":
        return Path(f"/{parsed.path}")
    return RemotePath(*parsed, retry=retry or Retry.from_environment())


def is_location(source: object) -> TypeGuard[LocationLike]:
    """Whether something is a path or a URL, as text or value."""
    return isinstance(source, str | os.PathLike | RemotePath)


def as_path(text: str | os.PathLike[str]) -> Path:
    """The path on this machine that a text or path names; an `OptionError` where it is neither."""
    return Path(_checked(text))


def _checked(text: str | os.PathLike[str]) -> str | os.PathLike[str]:
    if not isinstance(text, str | os.PathLike):
        raise OptionError(f"expected a path, but it is of the type {type(text).__name__}")
    return text


def require_suffix(path: LocationLike, suffixes: Sequence[str]) -> Location:
    """A location whose suffix says a format that can be written; an `OptionError` otherwise."""
    path = as_location(path)
    if path.suffix not in suffixes:
        *others, last = suffixes
        first = f"{', '.join(others)} or " if others else ""
        raise OptionError(f"{path}: expected a name that ends with {first}{last}")
    return path
