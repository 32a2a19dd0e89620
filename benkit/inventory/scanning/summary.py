"""What a scan tells when it is done."""

from collections.abc import Mapping
from dataclasses import dataclass

from benkit.inventory.table.parts import PartChanges


@dataclass(frozen=True)
class ScanSummary:
    """Counts of a scan.

    Attributes
    ----------
    layout : str
        Its name.
    patches, rows : int
        Patches of the archive and rows of the inventory.
    not_scanned : int
        Links, pipes and folders that cannot be listed, none of which was entered.
    unchanged : int
        Patches whose rows were taken over from an earlier scan, as their files are the same.
    files, bytes : int
        Band files that were read, and their length together.
    slow_files : mapping of str to int
        Band files among them that were not plain, by what kept them from the fast path.
    seconds : float
    parts : PartChanges or None
        What has become of the parts of an inventory in parts.
    """

    layout: str
    patches: int
    rows: int
    not_scanned: int
    unchanged: int
    files: int
    bytes: int
    slow_files: Mapping[str, int]
    seconds: float
    parts: PartChanges | None = None
