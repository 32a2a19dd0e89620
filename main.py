"""The course task: reads ``untracked-files/milestone01/`` and prints the answers that are asked for.

Run it without arguments, from anywhere. Standard output holds the answers and nothing else; all that
is said to people goes to standard error. Files go below ``untracked-files/``.
"""

import sys
from pathlib import Path

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


def main() -> int:
    """Do the whole task; returns the exit status."""
    try:
        from benkit import BenkitError
    except ModuleNotFoundError as error:
        say(f"{error.name} is not installed; `make run` installs what is needed, see README.md")
        return 2
    try:
        answers = solve(data_folder())
    except BenkitError as error:
        say(f"{error}\n{HOW_TO_GET_DATA}")
        return 2
    print("\n".join(answers))
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


def solve(data: Path) -> list[str]:
    """The lines of the answer, in the order of the task."""
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

    split = benkit.split_patches(metadata, test=0.25)
    benkit.write_sides(split.sides(), OUTPUT / "split.csv")

    return [
        *(f"{season}: {count}" for season, count in summary.seasons.items()),
        f"average-num-labels: {float(summary.average_num_labels):.2f}",
        f"maximum-num-labels: {summary.maximum_num_labels}",
        f"wrong-size: {audit.counts['wrong_size']}",
        f"with-no-data: {audit.counts['with_no_data']}",
        f"not-part-of-dataset: {audit.counts['not_part_of_dataset']}",
        *(
            f"{band} {name}: {'none' if value is None else round(value)}"
            for band, figures in statistics.bands.items()
            for name, value in (("mean", figures.mean), ("std-dev", figures.std))
        ),
        f"geom-average-num-labels: {float(labels.average_num_labels):.2f}",
        f"geom-num-overlaps: {overlaps.overlapping}",
    ]


def say(text: str) -> None:
    """Tell people something."""
    print(f"main.py: {text}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
