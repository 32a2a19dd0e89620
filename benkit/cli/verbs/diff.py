"""``benkit diff``."""

import argparse

from benkit.cli.common import call
from benkit.cli.options import add_engine_options, add_table_output, location_of
from benkit.cli.printing import note, note_written, show, show_table

EXAMPLE = """\
example: benkit diff last_year.parquet inventory.parquet --output diff.csv

holds the patches of two archives or inventories against each other, by product and name: their pixels,
whatever the compression, status, size, data type, NO_DATA value and georeference of each band. The exit
status is 1 if anything differs."""

_EXAMPLES = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    for name, text in (("old", "archive or inventory, or its URL"), ("new", "the later one")):
        parser.add_argument(name, type=location_of, metavar=name.upper(), help=text)
    add_table_output(parser, "all patches that differ")
    add_engine_options(parser)


def run(arguments: argparse.Namespace) -> int:
    from benkit.api.diff import diff

    found = call(diff, arguments)
    note_written(arguments.output)
    show(arguments, found.counts)
    some = found.table if arguments.verbose else found.table.slice(0, _EXAMPLES)
    if len(some) and not arguments.json:
        print()
        rows = [
            (
                row["change"],
                row["patch_id"],
                " ".join(row["bands"] or ()),
                ", ".join(row["what"] or ()),
            )
            for row in some.to_pylist()
        ]
        show_table(("change", "patch", "bands", "what"), rows)
        if len(some) < len(found.table):
            print(f"and {len(found.table) - len(some):,} more")
            if not arguments.output:
                note("--output FILE writes all patches that differ, --verbose shows them")
    return 1 if len(found.table) else 0
