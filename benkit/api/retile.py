"""Cut a raster into parts."""

from benkit.retiling.retile import retile_raster as retile

__all__ = ["retile"]
