"""The course task: reads ``untracked-files/milestone01/`` and prints the answers that are asked for.

Run it without arguments, from anywhere. Standard output holds the answers and nothing else; all that
is said to people goes to standard error. Files go below ``untracked-files/``.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benkit import Audit, Inventory, LabelSets, Metadata, Split, Statistics, Summary
    from benkit.reference_maps.map_overlaps import MapOverlaps

HERE = Path(__file__).resolve().parent
OUTPUT = HERE / "untracked-files"
DATA = OUTPUT / "milestone01"
SAMPLE = OUTPUT / "sample"
ARCHIVE = "BigEarthNet-v2.0-S2-with-errors"
TO_RETILE = "S2B_MSIL2A_20170808T094029_N9999_R036_T35ULA_33_29_B02.tif"
HOW_TO_GET_DATA = (
    f"The course data belongs into {DATA}: metadata.parquet, {ARCHIVE}/, patches_for_stats.csv.gz "
    "and geoparquets/, as the course hands them out. Download and unpack them there again; without "
    "that folder a run shows a synthetic sample."
)


@dataclass(frozen=True)
class Solution:
    """What the task asks to find out."""

    metadata: "Metadata"
    inventory: "Inventory"
    summary: "Summary"
    audit: "Audit"
    statistics: "Statistics"
    labels: "LabelSets"
    overlaps: "MapOverlaps"
    split: "Split"


def main() -> int:
    """Do the whole task; returns the exit status."""
    from benkit.errors import BenkitError, OutputError, broken_import, lack_of_memory

    try:
        data = data_folder()
        solution = solve(data)
    except ModuleNotFoundError as error:
        say(f"{error.name} is not installed; `make run` installs what is needed, see README.md")
        return 2
    except (MemoryError, ImportError) as error:
        anew = "delete .venv, and `make run` installs everything anew"
        say(lack_of_memory(error) or f"{broken_import(error)}; {anew}")
        return 2
    except OutputError as error:  # of this machine, and not of the data
        say(str(error))
        return 2
    except BenkitError as error:
        say(f"{error}\n{HOW_TO_GET_DATA}")
        return 2
    print("\n".join(answers(solution)), flush=True)
    try:
        write_pages(solution, data)
    except Exception as error:  # whatever it is, the answers stand
        say(f"the answers are whole, but the report and the maps are not: {error}")
    return 0


def data_folder() -> Path:
    """Where the data is; a synthetic sample is made where there is none."""
    import benkit

    if DATA.exists():
        return DATA
    say(
        f"{DATA} is not there, so this run shows a synthetic sample, {SAMPLE}, not the course's data."
    )
    if not SAMPLE.exists():
        benkit.sample(SAMPLE)
    return SAMPLE


def solve(data: Path) -> Solution:
    """Do all that is asked, and write what is to be written."""
    import benkit
    from benkit.archive.listing import find_file
    from benkit.metadata.patch_list import read_patch_list
    from benkit.reference_maps.labels import label_sets
    from benkit.reference_maps.map_overlaps import map_overlaps
    from benkit.reference_maps.read import read_reference_maps

    metadata = benkit.Metadata(data / "metadata.parquet")
    for_statistics = read_patch_list(data / "patches_for_stats.csv.gz")
    summary = benkit.summary(metadata)

    benkit.scan(data / ARCHIVE, OUTPUT / "inventory.parquet")
    inventory = benkit.Inventory(OUTPUT / "inventory.parquet")
    audit = benkit.audit(inventory, metadata)
    statistics = benkit.stats(inventory, for_statistics)
    if statistics.absent:
        say(
            f"{len(statistics.absent)} patches to be measured are not on disk, "
            f"{statistics.absent[0]} among them"
        )

    source = find_file(data / ARCHIVE, TO_RETILE)
    benkit.retile(source, OUTPUT / "re-tiled", grid=(2, 2), overwrite=True)

    maps = read_reference_maps(data / "geoparquets")
    labels = label_sets(maps)
    overlaps = map_overlaps(maps, assume_same_crs=True)

    split = benkit.split(metadata, test=0.25, output=OUTPUT / "split.csv")
    return Solution(metadata, inventory, summary, audit, statistics, labels, overlaps, split)


def answers(solution: Solution) -> list[str]:
    """The lines of the answer, in the order of the task."""
    summary, audit = solution.summary, solution.audit
    return [
        *(f"{season}: {count}" for season, count in summary.seasons.items()),
        f"average-num-labels: {float(summary.average_num_labels):.2f}",
        f"maximum-num-labels: {summary.maximum_num_labels}",
        f"wrong-size: {audit.counts['wrong_size']}",
        f"with-no-data: {audit.counts['with_no_data']}",
        f"not-part-of-dataset: {audit.counts['not_part_of_dataset']}",
        *(
            f"{band} {name}: {'none' if value is None else round(value)}"
            for band, figures in solution.statistics.bands.items()
            for name, value in (("mean", figures.mean), ("std-dev", figures.std))
        ),
        f"geom-average-num-labels: {float(solution.labels.average_num_labels):.2f}",
        f"geom-num-overlaps: {solution.overlaps.overlapping}",
    ]


def write_pages(solution: Solution, data: Path) -> None:
    """Write the report and the maps, and say where they are."""
    import benkit
    from benkit.files.writing.figure import write_figure
    from benkit.reporting.figures.split_figures import draw_split

    metadata, split = solution.metadata, solution.split
    benkit.report(
        metadata,
        solution.inventory,
        archive=data / ARCHIVE,
        split=split,
        reference_maps=solution.labels,
        command="python main.py",
        output=OUTPUT / "report.html",
    )
    benkit.web_map(metadata, solution.audit.findings, split, output=OUTPUT / "map.html")
    write_figure(draw_split(metadata, split.sides()), OUTPUT / "split.png")
    say(f"open {OUTPUT / 'report.html'} to see it all; map.html and split.png are maps beside it")


def say(text: str) -> None:
    """Tell people something."""
    print(f"main.py: {text}", file=sys.stderr)


if __name__ == "__main__":
    try:
        status = main()
    except KeyboardInterrupt:
        say("interrupted")
        status = 130
    sys.exit(status)
