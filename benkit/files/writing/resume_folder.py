"""Fill a folder that a later run goes on with where this one ends too early."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benkit.errors import OutputError
from benkit.files.writing.replace import output_errors, replacing_folder, write_text
from benkit.files.writing.staging import holding

_PLAN = ".plan"


@contextmanager
def resuming_folder(path: Path, plan: str) -> Iterator[Path]:
    """Give a folder beside ``path``; when all went well it replaces that with all it holds.

    It is new, or has what an interrupted run with the same text as ``plan`` has left. When the body
    raises or the process is killed, it stays for the next run as ``.<name>.unfinished``.
    """
    with output_errors(path):
        target = Path(os.path.realpath(path))
        unfinished = target.with_name(f".{target.name}.unfinished")
        unfinished.mkdir(parents=True, exist_ok=True)
        try:
            with holding(unfinished):
                stamp = unfinished / _PLAN
                if not stamp.is_file() or stamp.read_bytes() != plan.encode():
                    _empty(unfinished)
                    write_text(plan, stamp)
                yield unfinished
                stamp.unlink()
                with replacing_folder(target) as new:
                    new.rmdir()
                    unfinished.replace(new)
        except BlockingIOError:
            raise OutputError(
                f"{path}: another run is writing it; wait until that is done, or write elsewhere"
            ) from None


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
