"""``benkit audit``."""

import argparse
from typing import TYPE_CHECKING

from benkit.cli.common import call
from benkit.cli.options import (
    add_engine_options,
    add_metadata,
    add_source,
    add_subset,
    add_table_output,
    location_of,
)
from benkit.cli.printing import note, note_written, show, show_table

if TYPE_CHECKING:
    import pyarrow as pa

    from benkit.inventory.audit import Audit

EXAMPLE = """\
example: benkit audit inventory.parquet --metadata metadata.parquet --findings findings.csv

counts the damaged patches by kind, shows the first ones, and writes all into findings.csv; the exit
status is 1 if there are any. For a status that only damaged pixels change:

         benkit audit inventory.parquet --metadata metadata.parquet \\
             --fail-on wrong_size,with_no_data,missing_band,unreadable"""

_MOST_BANDS = 62  # of a patch
_EXAMPLES = 3
_FIRST = (_EXAMPLES + 1) * _MOST_BANDS
_ROWS_AT_ONCE = 100_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_source(parser)
    add_metadata(parser, "--metadata")
    add_subset(parser)
    parser.add_argument(
        "--s1",
        type=location_of,
        metavar="SOURCE",
        help="the Sentinel-1 patches of the same ground, archive or inventory: whether each patch has "
        "its own there and the other way (column s1_name), and how many days are between them",
    )
    add_table_output(parser, "all findings", name="--findings")
    parser.add_argument(
        "--fail-on",
        type=_kinds,
        metavar="KIND,...",
        help="kinds of findings that make the exit status 1, or none; default all",
    )
    add_engine_options(parser)


def run(arguments: argparse.Namespace) -> int:
    from benkit.api.audit import audit
    from benkit.inventory.findings import ALL_KINDS

    found = call(audit, arguments)
    note_written(arguments.findings)
    if arguments.metadata is None:
        note("no --metadata: nothing is said of patches that are missing, or do not belong")
    if found.lacking:
        note(
            f"{arguments.source}: of an earlier version of benkit; a new scan would add "
            f"{', '.join(found.lacking)}"
        )
    for warning in found.warnings:
        note(f"{arguments.source}: warning: {warning}")
    if arguments.json:
        if found.scarcity:
            note(found.scarcity)
        days = {} if found.days_between is None else {"days_between": found.days_between}
        show(arguments, {"patches": found.patches, **found.counts, **days})
    else:
        _show_groups(found, arguments)
    fatal = ALL_KINDS if arguments.fail_on is None else arguments.fail_on
    return 1 if {*found.findings["kind"].unique().to_pylist()} & {*fatal} else 0


def _show_groups(audit: "Audit", arguments: argparse.Namespace) -> None:
    """Counts by kind, then the first findings of each."""
    from benkit.files.tables.kept import slices_of
    from benkit.inventory.findings import ALL_KINDS

    more = " other" if audit.scarcity else ""
    absent = audit.counts["not_on_disk"]
    also = f"; {absent:,} of the metadata are not on disk" if audit.subset else ""
    if audit.scarcity:
        print(audit.scarcity)
    listed = _first_of_each_kind(audit)
    number = sum(found for found, _ in listed.values())
    print(f"{audit.patches:,} patches on disk, {number:,}{more} findings{also}")
    for days, pairs in (audit.days_between or {}).items():
        print(f"{pairs:,} pairs with their sister patch, {days} day{'s' * (days != 1)} apart")
    groups = {kind: listed[kind] for kind in ALL_KINDS if kind in listed}
    if not groups:
        return
    overview = [
        (kind, audit.counts[kind], found, ALL_KINDS[kind].meaning)
        for kind, (found, _) in groups.items()
    ]
    print()
    show_table(("kind", "patches", "findings", "meaning"), overview)
    for kind, (_, first) in groups.items():
        print(f"\n{kind}")
        if arguments.verbose:
            for some in slices_of(audit.findings, _ROWS_AT_ONCE):
                if rows := _one_by_one(_of_kind(some, kind)):
                    show_table(("", "", ""), rows)
            continue
        show_table(("", "", ""), _by_patch(first)[:_EXAMPLES])
        if audit.counts[kind] > _EXAMPLES:
            print(f"  and {audit.counts[kind] - _EXAMPLES:,} more")
    if not (arguments.findings or arguments.verbose):
        note("--findings FILE writes all findings, --verbose shows them")


def _first_of_each_kind(audit: "Audit") -> "dict[str, tuple[int, pa.Table]]":
    """How many findings to list there are of each kind, and the first ones."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from benkit.files.tables.kept import slices_of

    found: dict[str, tuple[int, pa.Table]] = {}
    for some in slices_of(audit.findings, _ROWS_AT_ONCE):
        for kind, number in zip(*pc.value_counts(some["kind"]).flatten(), strict=True):
            before, first = found.get(kind.as_py(), (0, some.slice(0, 0)))
            if len(first) < _FIRST:
                first = pa.concat_tables([first, _of_kind(some, kind)]).slice(0, _FIRST)
            found[kind.as_py()] = before + number.as_py(), first
    if audit.scarcity is not None:
        found.pop("not_on_disk", None)
    return found


def _of_kind(findings: "pa.Table", kind: "str | pa.Scalar") -> "pa.Table":
    import pyarrow.compute as pc

    return findings.filter(pc.equal(findings["kind"], kind))


def _one_by_one(findings: "pa.Table") -> list[tuple[str, str, str]]:
    """Patch, band and reason of each finding of one kind."""
    rows = findings.select(["patch_id", "band", "reason"]).to_pylist()
    return [(f"  {row['patch_id'] or '-'}", row["band"] or "", row["reason"]) for row in rows]


def _by_patch(findings: "pa.Table") -> list[tuple[str, str, str]]:
    """Patch, bands, and the reason for the first of them; files beside the patches one by one."""
    patches: dict[str, tuple[list[str], str]] = {}
    for patch, band, reason in _one_by_one(findings):
        patches.setdefault(patch if band else f"{patch} {reason}", ([], reason))[0].append(band)
    return [
        (patch if bands[0] else patch.removesuffix(f" {reason}"), _bands(bands), reason)
        for patch, (bands, reason) in patches.items()
    ]


def _bands(bands: list[str]) -> str:
    return " ".join(bands) if len(bands) <= _EXAMPLES else f"{len(bands)} bands, {bands[0]}:"


def _kinds(text: str) -> list[str]:
    """``KIND,...``, for argparse."""
    from benkit.cli.parsing import did_you_mean
    from benkit.inventory.findings import ALL_KINDS

    if text == "none":
        return []
    kinds = [kind.strip().replace("-", "_") for kind in text.split(",")]
    for kind in kinds:
        if kind not in ALL_KINDS:
            raise argparse.ArgumentTypeError(
                f"there is no kind of findings {kind}{did_you_mean(kind, ALL_KINDS)}"
            )
    return kinds
