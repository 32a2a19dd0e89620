"""Samples: small archives in the course layout, made from a seed, with errors planted in them."""

from benkit.samples.sample import PATCH_TO_RETILE, SampleSummary, make_sample

__all__ = ["PATCH_TO_RETILE", "SampleSummary", "make_sample"]
