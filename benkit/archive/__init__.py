"""Folders of patches: what lies in them, and their bands."""
