"""The course task: reads ``untracked-files/milestone01/`` and prints the answers that are asked for.

Run it without arguments, from anywhere. Standard output holds the answers and nothing else; all that
is said to people goes to standard error. Files go below ``untracked-files/``.
"""

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyarrow import Table

    from benkit.inventory.audit import Audit
    from benkit.inventory.statistics import Statistics
    from benkit.inventory.table.inventory_file import Inventory
    from benkit.metadata.summary import Summary
    from benkit.reference_maps.labels import LabelSets
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

    metadata: "Table"
    inventory: "Inventory"
    summary: "Summary"
    audit: "Audit"
    statistics: "Statistics"
    labels: "LabelSets"
    overlaps: "MapOverlaps"
    sides: dict[str, list[str]]


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
        benkit.make_sample(SAMPLE)
    return SAMPLE


def solve(data: Path) -> Solution:
    """Do all that is asked, and write what is to be written."""
    import benkit

    metadata = benkit.read_metadata(data / "metadata.parquet")
    for_statistics = benkit.read_patch_list(data / "patches_for_stats.csv.gz")
    summary = benkit.summarize(metadata)

    benkit.scan_archive(data / ARCHIVE, OUTPUT / "inventory.parquet")
    inventory = benkit.Inventory(OUTPUT / "inventory.parquet")
    audit = benkit.audit_inventory(inventory, metadata)
    statistics = benkit.band_statistics(inventory, for_statistics)
    if statistics.absent:
        say(
            f"{len(statistics.absent)} patches to be measured are not on disk, "
            f"{statistics.absent[0]} among them"
        )

    source = benkit.find_file(data / ARCHIVE, TO_RETILE)
    benkit.retile_raster(source, OUTPUT / "re-tiled", grid=(2, 2), overwrite=True)

    maps = benkit.read_reference_maps(data / "geoparquets")
    labels = benkit.label_sets(maps)
    overlaps = benkit.map_overlaps(maps, assume_same_crs=True)

    sides = benkit.split_patches(metadata, test=0.25).sides()
    benkit.write_sides(sides, OUTPUT / "split.csv")
    return Solution(metadata, inventory, summary, audit, statistics, labels, overlaps, sides)


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

    metadata, sides = solution.metadata, solution.sides
    report = benkit.report_page(
        metadata,
        inventory=solution.inventory,
        sides=sides,
        read_band=benkit.band_reader(data / ARCHIVE, solution.inventory),
        comparison=benkit.compare_labels(solution.labels, metadata),
        made={
            "version": f"benkit {benkit.__version__}",
            "command": "python main.py",
            "time": time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()),
            "input": str(data),
        },
        title=f"Report of {ARCHIVE}",
    )
    benkit.write_page(report, OUTPUT / "report.html")
    web_map = benkit.web_map(metadata, solution.audit.findings, sides)
    benkit.write_page(web_map, OUTPUT / "map.html")
    benkit.write_figure(benkit.draw_split(metadata, sides), OUTPUT / "split.png")
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
