"""Upload and download whole files, through files on this machine."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benkit.errors import OutputError, RemoteError, without_name
from benkit.files.limits import LARGEST_TABLE
from benkit.files.remote.location import Location, RemotePath
from benkit.files.tar.read_at import TarContent
from benkit.files.writing.staging import temporary_folder


@contextmanager
def uploading(output: Location) -> Iterator[Path]:
    """Give a path to write to: a local output itself, or a file that is uploaded when all went well.

    If the upload fails, an `OutputError` says where on this machine the file is kept.
    """
    if isinstance(output, Path):
        yield output
        return
    if reason := output.refuse_writing():
        raise OutputError(f"{output}: cannot be written: {reason}; write to a file, or to a bucket")
    folder = Path(tempfile.mkdtemp(prefix="benkit-"))
    keep = False
    try:
        path = folder / output.name
        yield path
        keep = path.is_file()
        _upload(path, output)
        keep = False
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def downloaded(source: Location | TarContent) -> Iterator[Path]:
    """Give a path on this machine with the content of a file of at most `LARGEST_TABLE` bytes."""
    if isinstance(source, Path):
        yield source
        return
    content = source.read_bytes(LARGEST_TABLE)
    with temporary_folder() as folder:
        path = folder / source.name.rpartition("/")[2]
        path.write_bytes(content)
        yield path


def _upload(path: Path, output: RemotePath) -> None:
    try:
        output.upload(path)
    except (RemoteError, FileNotFoundError) as error:
        raise OutputError(
            f"{output}: cannot be written: {without_name(error, output)}; "
            f"what was to be written is kept in {path}"
        ) from None
