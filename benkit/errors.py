"""The errors that benkit raises: one root, and each also a builtin.

A caller who knows nothing of benkit catches ``ValueError`` or ``OSError`` as for any library; the
command line catches `BenkitError` and shows its one line. Every message names the file, what was
expected, what came and what to do.
"""

__all__ = [
    "AccessError",
    "BenkitError",
    "InputFormatError",
    "MissingInputError",
    "OptionError",
    "OutputError",
    "PatchIdError",
    "RasterError",
    "RemoteError",
]


class BenkitError(Exception):
    """Root of everything that benkit raises on purpose."""


class PatchIdError(BenkitError, ValueError):
    """A text is not a patch id, a product or an MGRS tile."""


class OptionError(BenkitError, ValueError):
    """An argument or option has a value that makes no sense."""


class InputFormatError(BenkitError, ValueError):
    """An input is there and readable, but is not what was expected."""


class MissingInputError(BenkitError, FileNotFoundError):
    """An input is not where it was expected."""


class RasterError(BenkitError, OSError):
    """A raster cannot be read."""


class OutputError(BenkitError, OSError):
    """An output cannot be written, or would replace something."""


class RemoteError(BenkitError, OSError):
    """A file system at a distance cannot be reached, denies access, or fails again and again."""


class AccessError(RemoteError, PermissionError):
    """A file system at a distance denies access."""
