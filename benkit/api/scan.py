"""Scan an archive into an inventory."""

from benkit.inventory.scanning.scan import scan_archive as scan

__all__ = ["scan"]
