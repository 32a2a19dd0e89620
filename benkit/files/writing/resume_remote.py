"""Fill a remote folder that a later run goes on with where this one ends too early."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from benkit.errors import MissingInputError, OutputError
from benkit.files.remote.location import RemotePath
from benkit.files.writing.replace import write_text

_PLAN = ".plan"
_LONGEST_PLAN = 1_000_000_000


@contextmanager
def resuming_remote(target: RemotePath, plan: str, last: str) -> Iterator[RemotePath]:
    """Give a remote folder that is empty, or that an interrupted run with the same plan has begun.

    Nothing in it is removed. The body writes the file with the name ``last`` at its end: a folder that
    has it is whole, and is refused. The plan stays beside it.
    """
    require_unwritten(target, last)
    try:
        names = {entry.name for entry in target.entries()}
    except MissingInputError:
        names = set()
        if not replace(target, path="").is_dir():
            raise OutputError(
                f"{target}: cannot be written: there is no {target.host}; make it first, or correct the "
                "URL"
            ) from None
    stamp = target / _PLAN
    if _PLAN not in names and names:
        raise OutputError(
            f"{target}: expected an empty folder, but something is in it; choose another"
        )
    if _PLAN in names and stamp.read_bytes(_LONGEST_PLAN) != plan.encode():
        raise OutputError(
            f"{target}: holds an unfinished export of other patches or from another archive; remove it "
            "with the tool of the bucket, or choose another folder"
        )
    write_text(plan, stamp)
    yield target
    assert (target / last).is_file(), "the last file is there, so that the folder is known as whole"


def require_unwritten(target: RemotePath, last: str) -> None:
    """Refuse a remote folder that can only be read, or that is whole already."""
    if reason := target.refuse_writing():
        raise OutputError(
            f"{target}: cannot be written: {reason}; write to a folder, or to a bucket"
        )
    if (target / last).is_file():
        raise OutputError(
            f"{target}: is there already, and nothing in a bucket is replaced; remove it with the tool "
            "of the bucket, or choose another folder"
        )
