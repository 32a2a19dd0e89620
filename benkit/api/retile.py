"""Cut a raster into parts."""

from benkit.retiling.retile import retile

__all__ = ["retile"]
