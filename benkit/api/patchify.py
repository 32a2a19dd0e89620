"""Cut a scene into patches."""

from benkit.retiling.patchify import patchify

__all__ = ["patchify"]
