"""The errors that benkit raises: one root, and each also a builtin.

A caller who knows nothing of benkit catches ``ValueError`` or ``OSError`` as for any library; the
command line catches `BenkitError` and shows its one line. Every message names the file, what was
expected, what came and what to do.
"""

import errno


class BenkitError(Exception):
    """Root of everything that benkit raises on purpose."""


class PatchIdError(BenkitError, ValueError):
    """A text is not a patch id, a product or an MGRS tile."""


class OptionError(BenkitError, ValueError):
    """An argument or option has a value that makes no sense."""


class InputFormatError(BenkitError, ValueError):
    """An input is there and readable, but is not what was expected."""


class MissingColumnError(InputFormatError):
    """A table lacks a column that is needed."""


class MissingInputError(BenkitError, FileNotFoundError):
    """An input is not where it was expected."""


class RasterError(BenkitError, OSError):
    """A raster cannot be read."""


class OutputError(BenkitError, OSError):
    """An output cannot be written, or would replace something."""


class RemoteError(BenkitError, OSError):
    """A remote file system cannot be reached, denies access, or fails after all retries."""


class AccessError(RemoteError, PermissionError):
    """A remote file system denies access."""


class WorkerError(BenkitError, RuntimeError):
    """Workers died again and again before their work was done, or there are none."""


_ADVICE = {
    errno.ENOSPC: "make room on the disk",
    errno.EDQUOT: "make room on the disk, or ask for more",
    errno.EMFILE: "allow more open files (ulimit -n), or try fewer workers",
    errno.ENFILE: "the machine has too many open files: end other programs",
    errno.ENOMEM: "allow more memory, or try fewer workers",
    errno.EROFS: "write to a folder of a file system that can be written",
}
_NO_MEMORY = ("llocate memory", "failed to map segment")  # what a library that cannot load says

OF_THE_MACHINE = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
"""Errors of the system that say nothing of a file, so that they are no finding about it."""


def advice_on(error: OSError) -> str:
    """Advice on an error of the system.

    Examples
    --------
    >>> advice_on(OSError(errno.ENOSPC, "No space left on device"))
    'make room on the disk'
    """
    return _ADVICE.get(
        error.errno or 0, "check permissions, and that the disk is there and has room"
    )


def without_name(error: Exception, name: object) -> str:
    """What an error says, without the name of the file that it begins with."""
    return str(error).removeprefix(f"{name}: ")


def first_line(error: Exception) -> str:
    """The first line of an error of a library; its name if it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def lack_of_memory(error: Exception) -> str | None:
    """The message for an error about too little memory; None if it is about something else."""
    lines = str(error).splitlines()
    lacking = [line for line in lines if any(text in line for text in _NO_MEMORY)]
    if not (isinstance(error, MemoryError) or (isinstance(error, ImportError) and lacking)):
        return None
    said = (lacking or lines or ["no more to be had"])[0]
    return f"not enough memory ({said}); allow more, or try fewer workers"


def broken_import(error: Exception) -> str:
    """The library that is not installed, or why one cannot be loaded.

    Examples
    --------
    >>> broken_import(ModuleNotFoundError(name="rasterio"))
    'rasterio is not installed'
    >>> broken_import(ImportError("libgdal.so.36: cannot open shared object file"))
    'a library cannot be loaded: libgdal.so.36: cannot open shared object file'
    """
    if isinstance(error, ModuleNotFoundError):
        return f"{error.name} is not installed"
    return f"{getattr(error, 'name', None) or 'a library'} cannot be loaded: {first_line(error)}"
