"""Make a small synthetic archive."""

from benkit.samples import make_sample as sample

__all__ = ["sample"]
