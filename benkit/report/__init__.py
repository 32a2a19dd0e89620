"""Figures, maps and pages for people."""
