"""Pixels of many patches in a few files, for training."""
