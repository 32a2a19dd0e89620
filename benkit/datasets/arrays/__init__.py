"""Patches as arrays for training, read straight from the files of an archive."""
