"""What to type next for an archive: command lines with its paths as the caller gave them."""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from benkit.reporting.page.markup import escape


@dataclass(frozen=True)
class Commands:
    """Makes command lines; a word in capitals stands for what is not known by a path.

    Attributes
    ----------
    source, archive, split, reference_maps : str or None
        As `benkit.report` was given them; the archive also where it is the source.
    metadata : tuple of str
    inventories : tuple of str
        Those among the metadata, which tell places, or labels too.
    subset : bool
    at_a_distance : bool
        Whether the source is an archive at a URL.
    layout : str or None
        What tells how the archive lies on disk, if it is not BigEarthNet v2.0, Sentinel-2.
    """

    source: str | None = None
    archive: str | None = None
    metadata: tuple[str, ...] = ("METADATA",)
    inventories: tuple[str, ...] = ()
    split: str | None = None
    reference_maps: str | None = None
    subset: bool = False
    at_a_distance: bool = False
    layout: str | None = None

    def clean(self, *, missing: bool = False) -> list[str]:
        """Find what is wrong, then put what is sound into a folder; perhaps list what to fetch again."""
        source, subset = self.source or "SOURCE", ["--subset"] * self.subset
        archive = ["--archive", self.archive] if self.archive not in (None, source) else []
        again = ["--missing", "again.csv"] if missing else []
        return [
            _line("audit", source, *self._metadata, *subset, "--findings", "findings.csv"),
            _line("export", source, *archive, *self._metadata, "--exclude", "findings.csv",
                  "--output", "clean", *again),
        ]  # fmt: skip

    def copies(self) -> list[str]:
        """List patches with equal pixels."""
        split = ["--split", self.split] if self.split else []
        return [_line("duplicates", self.source or "SOURCE", *split, "--output", "copies.csv")]

    def new_split(self, *, buffer: bool) -> list[str]:
        """Make another split."""
        apart = ["--buffer", "2500"] if buffer else []
        return [
            _line("split", *self.inventories, *self.metadata, *apart, "--output", "new-split.csv")
        ]

    def labels(self) -> str:
        """Write the labels of reference maps that cover at least a hundredth of the ground."""
        return _line("labels", self._maps, "--min-share", "0.01", "--output", "labels.parquet")

    def differences(self) -> str:
        """List the patches whose labels are not those of the reference maps."""
        return _line("labels", self._maps, *self._metadata, "--differences", "differences.csv")

    @property
    def _maps(self) -> str:
        return self.reference_maps or "REFERENCE_MAPS"

    def again(self) -> list[str]:
        """The report with the pixels at hand."""
        options = ["ARCHIVE"]
        if self.source and not self.at_a_distance:
            options = [self.source, "--archive", "ARCHIVE"]
        split = ["--split", self.split] if self.split else []
        places = [word for name in self.inventories for word in ("--metadata", name)]
        given = [*options, *places, *self._metadata, *split]
        return [_line("report", *given, "--output", "report.html")]

    def inspect(self, patch: str) -> list[str]:
        """Tell everything about one patch."""
        return [_line("inspect", patch, *self.inspect_options)]

    @property
    def inspect_options(self) -> list[str]:
        """What follows the id of a patch to `inspect` it."""
        layout = ["--layout", self.layout] if self.layout else []
        return ["--archive", self.archive or "ARCHIVE", *layout, *self._metadata]

    @property
    def _metadata(self) -> list[str]:
        return [word for name in self.metadata for word in ("--metadata", name)]


def _line(verb: str, *words: str) -> str:
    return shlex.join(["benkit", verb, *words])


def command_block(lines: Sequence[str]) -> str:
    """Commands as a page shows them, whose lines end between words: at spaces, not at hyphens."""
    shown = (re.sub("([^ ]+)", "<span>\\1</span>", escape(line)) for line in lines)
    return f'<pre class="commands">{"".join(f"<code>{line}</code>" for line in shown)}</pre>'
