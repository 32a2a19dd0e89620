"""Scan an archive into an inventory."""

from benkit.inventory.scanning.scan import scan

__all__ = ["scan"]
