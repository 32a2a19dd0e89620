"""Cut rasters into parts, and scenes into patches."""
