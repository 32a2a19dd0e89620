"""One band from the bytes of a TIFF, as GDAL would read it."""
