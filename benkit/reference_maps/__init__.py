"""Reference maps: labels, land cover, footprints and overlaps."""
