"""Limits of what is read of a file from an unknown source.

A file of some hundred bytes can claim gigabytes, so what a file needs cannot be told from its length.
Rasters of any size are for `benkit.retiling.retile`, which reads them window by window.
"""

LARGEST_RASTER = 2**25
"""Most bytes of decoded pixels: a thousand times a band of a patch."""

LARGEST_FILE = 2 * LARGEST_RASTER
"""Most bytes of a file that is read whole."""

MOST_BANDS = 256
"""Most bands; GDAL needs minutes for tens of thousands, however small they are."""

MOST_BANDS_CUT = 4096
"""Most bands of a raster of any size that is cut, which takes some seconds."""

MOST_BLOCKS = 2**16
"""Most strips or tiles, which cost time each, however small they are."""

LARGEST_TABLE = 2**30
"""Most bytes of a table, packed or unpacked, that is read whole: nine times BigEarthNet's metadata."""

MOST_ROWS = 2**24
"""Most rows of such a table: thirty times the patches of BigEarthNet."""

MOST_NAMES = 1000
"""Most different labels or countries of such a table."""
