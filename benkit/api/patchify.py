"""Cut a scene into patches."""

from benkit.retiling.patchify import patchify_scene as patchify

__all__ = ["patchify"]
