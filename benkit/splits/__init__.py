"""Splits of the patches into sides, and how far a score on them can be trusted."""
