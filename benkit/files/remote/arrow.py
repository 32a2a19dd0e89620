"""Files of the file systems that pyarrow knows: S3, Google Cloud Storage, Azure, HDFS and others.

Each takes its credentials from where its own tools take them: environment variables, files in the home
folder, the role of the machine.
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.fs as pa_fs

from benkit.errors import first_line
from benkit.files.remote.in_flight import bytes_in_flight
from benkit.files.remote.retry import TransientError
from benkit.files.remote.s3_reader import signed_reader
from benkit.files.remote.service import Entry, TooLongError

_WHOLE_OR_NOTHING = {"s3", "gcs", "abfs"}  # their files appear when they are whole
_DENIED = re.compile(
    "ACCESS_DENIED|INVALID_ACCESS_KEY_ID|SIGNATURE_DOES_NOT_MATCH|INVALID_SIGNATURE|EXPIRED_TOKEN"
    "|ExpiredToken|InvalidToken|INVALID_CLIENT_TOKEN_ID|REQUEST_EXPIRED|REQUEST_TIME_TOO_SKEWED"
    r"|UNRECOGNIZED_CLIENT|MISSING_AUTHENTICATION_TOKEN|HTTP status 40[13]\b|Permission ?[Dd]enied"
    "|OAuth2 access token|PERMISSION_DENIED|UNAUTHENTICATED|[Uu]nauthori[sz]ed|Forbidden|[Cc]redentials"
)
_GONE = re.compile(r"NO_SUCH_(KEY|BUCKET)|NoSuch(Key|Bucket)|RESOURCE_NOT_FOUND|HTTP status 404\b")
_FOR_GOOD = re.compile(
    r"HTTP status (3|40[05679]|41[0-7])|INVALID_(ACTION|PARAMETER|QUERY)|VALIDATION|not implemented"
)
_LONGEST_REASON = 160


class ArrowFiles:
    """Files of one bucket, container or file system.

    Parameters
    ----------
    scheme, host : str
        Of the URL, such as ``s3`` and a bucket.
    options : mapping of str to str
        What stands behind ``?``.
    timeout : float
        Seconds until an S3 server counts as silent; a third of them until it counts as away.
    """

    def __init__(self, scheme: str, host: str, options: Mapping[str, str], timeout: float) -> None:
        self._system, self._base = _open(scheme, host, options, timeout)
        self._s3 = None
        if scheme == "s3":
            self._s3 = signed_reader(host, self._system.region, options, timeout)

    def _path(self, path: str) -> str:
        return f"{self._base}/{path}" if path else self._base or "/"

    def entries(self, path: str) -> list[Entry]:
        """List a folder."""
        with _faults():
            found = self._system.get_file_info(pa_fs.FileSelector(self._path(path)))
        return sorted(
            Entry(info.base_name, True)
            if info.type == pa_fs.FileType.Directory
            else Entry(info.base_name, False, info.size, info.mtime_ns or 0)
            for info in found
        )

    def read(self, path: str, at_most: int) -> tuple[bytes, int | None]:
        """Read a whole file; its stamp is told by the listing alone."""
        if self._s3:
            return self._s3.read(path, at_most), None
        with _faults(), self._system.open_input_file(self._path(path)) as file:
            size = file.size()
            with bytes_in_flight.reserve(min(size, at_most)):
                content = file.read() if size <= at_most else None
        if content is None:
            raise TooLongError(at_most, size)
        return content, None

    def stat(self, path: str) -> tuple[int, int | None]:
        """Size and time of modification of a file."""
        info = self._info(path)
        if info.type != pa_fs.FileType.File:
            raise FileNotFoundError(path)
        return info.size, info.mtime_ns or 0

    def is_folder(self, path: str) -> bool:
        """Whether there is a folder."""
        return self._info(path).type == pa_fs.FileType.Directory

    def _info(self, path: str) -> Any:
        with _faults():
            return self._system.get_file_info(self._path(path))

    def refuse_writing(self) -> str | None:
        """None: only writing itself tells."""
        return None

    def write(self, path: str, source: Path) -> None:
        """Write a local file's content in one step."""
        target = self._path(path)
        with _faults():
            if self._system.type_name in _WHOLE_OR_NOTHING:
                self._put(target, source)
                return
            folder, _, name = target.rpartition("/")
            part = f"{folder}/.{name}.part"
            if folder:
                self._system.create_dir(folder)
            self._put(part, source)
            self._system.move(part, target)

    def _put(self, target: str, source: Path) -> None:
        """Write in one call: a stream that is left in the middle would be closed as if it were whole."""
        with pa.memory_map(str(source)) if source.stat().st_size else pa.BufferReader(b"") as file:
            content = file.read_buffer()
            stream = self._system.open_output_stream(target, compression=None)
            stream.write(content)
            stream.close()


def _open(
    scheme: str, host: str, options: Mapping[str, str], timeout: float
) -> tuple[pa_fs.FileSystem, str]:
    """The file system, and the path of its root in it."""
    anonymous = options.get("anonymous", "false") == "true"
    if scheme == "s3":
        if options.get("endpoint_override"):
            # Checksums behind the content, which the client sends by default, are Amazon's alone.
            os.environ.setdefault("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required")
        return pa_fs.S3FileSystem(
            allow_delayed_open=True,
            anonymous=anonymous,
            region=options.get("region") or _region(host, options),
            scheme=options.get("scheme"),
            endpoint_override=options.get("endpoint_override"),
            connect_timeout=timeout / 3,
            request_timeout=timeout,
            retry_strategy=pa_fs.AwsStandardS3RetryStrategy(max_attempts=1),
        ), host
    if scheme == "gs":
        return pa_fs.GcsFileSystem(
            anonymous=anonymous,
            scheme=options.get("scheme", "https"),
            endpoint_override=options.get("endpoint_override"),
            retry_time_limit=timedelta(seconds=10),
        ), host
    query = "&".join(f"{name}={value}" for name, value in options.items())
    try:
        system, base = pa_fs.FileSystem.from_uri(f"{scheme}://{host}/{'?' * bool(query)}{query}")
    except (pa.ArrowException, OSError, ValueError, ImportError) as error:
        raise OSError(_short(error)) from None
    return system, base.rstrip("/")


def _region(bucket: str, options: Mapping[str, str]) -> str | None:
    """Where a bucket of Amazon's lies; another server has no regions."""
    if options.get("endpoint_override"):
        return None
    with _faults():
        return pa_fs.resolve_s3_region(bucket)


@contextmanager
def _faults() -> Iterator[None]:
    """Turn errors of pyarrow into those that `RemoteFiles` raises."""
    try:
        yield
    except (FileNotFoundError, PermissionError, TransientError):
        raise
    except (pa.ArrowException, OSError) as error:
        text, reason = str(error), _short(error)
        if _DENIED.search(text):
            raise PermissionError(reason) from None
        if _GONE.search(text):
            raise FileNotFoundError(reason) from None
        if _FOR_GOOD.search(text) or not isinstance(error, OSError):
            raise OSError(reason) from None
        raise TransientError(reason) from None


def _short(error: Exception) -> str:
    """The part of a message that does not repeat which file it is about."""
    line = first_line(error)
    line = line[line.find("AWS Error") :] if "AWS Error" in line else line
    return line if len(line) <= _LONGEST_REASON else f"{line[:_LONGEST_REASON]}..."
