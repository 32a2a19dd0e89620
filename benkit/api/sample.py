"""Make a small synthetic archive."""

from benkit.samples.sample import sample

__all__ = ["sample"]
