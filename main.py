"""The course task: reads ``untracked-files/milestone01/`` and prints the answers that are asked for.

Run it without arguments, from anywhere. Standard output holds the answers and nothing else, those of
each task as soon as they are known; all that is said to people goes to standard error. A task that
cannot be done says why, and the others go on. Files go below ``untracked-files/``.
"""

import csv
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rasterio import Affine

    from benkit import Inventory, LabelSets, Metadata, Split
    from benkit.reference_maps.read import ReferenceMaps

Value = TypeVar("Value")

HERE = Path(__file__).resolve().parent
OUTPUT = HERE / "untracked-files"
DATA = OUTPUT / "milestone01"
SAMPLE = OUTPUT / "sample"
ARCHIVE = "BigEarthNet-v2.0-S2-with-errors"
TO_RETILE = "S2B_MSIL2A_20170808T094029_N9999_R036_T35ULA_33_29_B02.tif"
INVENTORY, PARTS, SPLIT = OUTPUT / "inventory.parquet", OUTPUT / "re-tiled", OUTPUT / "split.csv"
PAGES = [OUTPUT / name for name in ("report.html", "map.html", "split.png")]
HOW_TO_GET_DATA = (
    f"The course data belongs into {DATA}: metadata.parquet, {ARCHIVE}/, patches_for_stats.csv.gz "
    "and geoparquets/, as the course hands them out. Download and unpack them there again; without "
    "that folder a run shows a synthetic sample."
)
SYNTHETIC = (
    f"{DATA} is not there, so this run shows a synthetic sample, {SAMPLE}, not the course's data: "
    "no number of it answers the task."
)


class Once(Generic[Value]):
    """What several tasks need: made when it is first asked for; what failed fails each time alike."""

    def __init__(self, make: Callable[[], Value]) -> None:
        self._make = make
        self._made: list[Value] = []
        self._error: Exception | None = None

    def __call__(self) -> Value:
        """The value."""
        if self._error:
            raise self._error
        if not self._made:
            try:
                self._made.append(self._make())
            except Exception as error:
                self._error = error
                raise
        return self._made[0]


class Course:
    """The folder of the data, and what several tasks make of it."""

    def __init__(self, data: Path) -> None:
        import benkit
        from benkit.reference_maps.labels import label_sets
        from benkit.reference_maps.read import read_reference_maps

        self.data = data
        self.is_wrong = False  # whether a task found something wrong with the data
        self.metadata: Once[Metadata] = Once(lambda: benkit.Metadata(data / "metadata.parquet"))
        self.inventory: Once[Inventory] = Once(self._scanned)
        self.maps: Once[ReferenceMaps] = Once(lambda: read_reference_maps(data / "geoparquets"))
        self.labels: Once[LabelSets] = Once(lambda: label_sets(self.maps()))
        self.split: Once[Split] = Once(self._split)

    def _scanned(self) -> "Inventory":
        """The inventory of the archive; an earlier one speeds the scan up, but never answers for it."""
        import benkit

        try:
            benkit.scan(self.data / ARCHIVE, INVENTORY)
        except Exception:
            with suppress(OSError):
                INVENTORY.unlink()
            raise
        return benkit.Inventory(INVENTORY)

    def _split(self) -> "Split":
        import benkit

        made = benkit.split(self.metadata(), test=0.25, output=SPLIT)
        with SPLIT.open(encoding="utf-8", newline="") as text:
            columns = zip(*csv.reader(text), strict=True)
            read = {name: [patch for patch in patches if patch] for name, *patches in columns}
        assert read == made.sides(), (
            "split.csv, read by other code, has the same patches on each side"
        )
        return made


def main() -> int:
    """Do the whole task; returns the exit status."""
    from benkit.errors import OutputError, broken_import, lack_of_memory

    try:
        data = data_folder()
        whole = do_all(Course(data))
    except ModuleNotFoundError as error:
        say(f"{error.name} is not installed; `make run` installs what is needed, see README.md")
        return 2
    except (MemoryError, ImportError) as error:
        anew = "delete .venv, and `make run` installs everything anew"
        say(lack_of_memory(error) or f"{broken_import(error)}; {anew}")
        return 2
    except OutputError as error:  # the sample cannot be made
        say(str(error))
        return 2
    if data == SAMPLE:
        say(SYNTHETIC)
    return 0 if whole else 2


def data_folder() -> Path:
    """Where the data is; a synthetic sample is made where there is none."""
    import benkit

    if DATA.exists():
        return DATA
    say(SYNTHETIC)
    if not SAMPLE.exists():
        benkit.sample(SAMPLE)
    return SAMPLE


def do_all(course: Course) -> bool:
    """Do every task that can be done; whether all were."""
    earlier = earlier_outputs()
    try:
        done = [is_done(name, task, course) for name, task in TASKS.items()]
        if all(done):
            write_pages(course)
        else:
            say("without these there are no report and maps either")
        if course.is_wrong:
            say(HOW_TO_GET_DATA)
    finally:
        if gone := [path for path in earlier if not path.exists()]:
            names = ", ".join(str(path.relative_to(OUTPUT)) for path in gone)
            say(f"removed, as they were made by an earlier run and not by this one: {names}")
    return all(done)


def earlier_outputs() -> list[Path]:
    """What earlier runs have left; all of it is removed, but for the inventory (see `Course`)."""
    parts = sorted(PARTS.glob(f"{Path(TO_RETILE).stem}_[A-D].tif"))
    left = [path for path in (*parts, SPLIT, *PAGES) if path.is_file()]
    for path in left:
        try:
            path.unlink()
        except OSError as error:
            say(f"{path}: was made by an earlier run, but cannot be removed: {error.strerror}")
    with suppress(OSError):  # there is none, or it holds something else
        PARTS.rmdir()
    return [*left, INVENTORY] if INVENTORY.exists() else left


def is_done(name: str, task: Callable[[Course], list[str]], course: Course) -> bool:
    """Do a task and print its lines; if it cannot be done, say so in a sentence and print none."""
    from benkit.errors import BenkitError, OutputError, lack_of_memory

    try:
        return is_printed(task(course))
    except ImportError:  # no task can be done
        raise
    except BenkitError as error:
        say(f"{name}: cannot be done: {error}")
        course.is_wrong |= not isinstance(error, OutputError)  # which is about this machine
    except Exception as error:
        say(f"{name}: cannot be done: {lack_of_memory(error) or mistake(error)}")
    return False


def is_printed(lines: list[str]) -> bool:
    """Print lines at once; where nobody reads them any more, the files that a run writes still count."""
    try:
        for line in lines:
            print(line, flush=True)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            say(f"standard output: cannot be written: {error.strerror}; check where it goes")
            return False
    return True


def mistake(error: Exception) -> str:
    """An error that is not the data's, and where it is."""
    place = error.__traceback__
    while place and place.tb_next:
        place = place.tb_next
    where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else "somewhere"
    kind = "it is not so that" if isinstance(error, AssertionError) else type(error).__name__
    return f"a mistake in the code, {where}: {kind} {error}"


def tabular_data(course: Course) -> list[str]:
    """Seasons and labels of the metadata."""
    import benkit
    from benkit.domain.decimals import two_decimals

    summary = benkit.summary(course.metadata())
    return [
        *(f"{season}: {count}" for season, count in summary.seasons.items()),
        f"average-num-labels: {two_decimals(summary.average_num_labels)}",
        f"maximum-num-labels: {summary.maximum_num_labels}",
    ]


def checking(course: Course) -> list[str]:
    """Errors of the archive."""
    import benkit
    from benkit.errors import InputFormatError

    counts = benkit.audit(course.inventory(), course.metadata()).counts
    if not course.inventory().query("SELECT count(*) FROM inventory WHERE status = 'ok'")[0][0]:
        raise InputFormatError(f"{course.data / ARCHIVE}: expected bands, but none can be read")
    kinds = ("wrong_size", "with_no_data", "not_part_of_dataset")
    return [f"{kind.replace('_', '-')}: {counts[kind]}" for kind in kinds]


def statistics(course: Course) -> list[str]:
    """Mean and standard deviation of the bands."""
    import benkit
    from benkit.errors import InputFormatError
    from benkit.metadata.patch_list import read_patch_list

    listed = course.data / "patches_for_stats.csv.gz"
    found = benkit.stats(course.inventory(), read_patch_list(listed))
    if found.absent:
        many = f"{len(found.absent)} patches to be measured are not on disk"
        say(f"{many}, {found.absent[0]} among them")
    for warning in found.warnings:
        say(warning)
    if empty := [band for band, figures in found.bands.items() if not figures.count]:
        raise InputFormatError(
            f"{listed}: expected patches with pixels of every band, but there are none of "
            f"{', '.join(empty)}"
        )
    return [
        f"{band} {name}: {round(value)}"
        for band, figures in found.bands.items()
        for name, value in (("mean", figures.mean), ("std-dev", figures.std))
        if value is not None
    ]


def retiling(course: Course) -> list[str]:
    """Cut one band into four squares; there is nothing to print."""
    import numpy as np
    from rasterio.windows import Window, transform

    import benkit
    from benkit.archive.listing import find_file
    from benkit.errors import RasterError

    source = find_file(course.data / ARCHIVE, TO_RETILE)
    if source.is_symlink():
        raise RasterError(
            f"{source}: is a link, which is not followed; copy the archive with cp -rL"
        )
    whole, place = read_by_gdal(source)
    *_, height, width = whole.shape
    if height != width or height % 2:
        raise RasterError(
            f"{source}: expected a square with an even number of pixels a side, to cut it into four "
            f"equal squares, but it has {height} x {width} pixels"
        )
    half = height // 2
    made = benkit.retile(source, PARTS, grid=(2, 2), overwrite=True)
    parts, places = zip(*map(read_by_gdal, made.files), strict=True)
    assert {part.shape[1:] for part in parts} == {(half, half)}, (
        "the four parts are equal squares of half the side"
    )
    assert np.array_equal(np.block([[*parts[:2]], [*parts[2:]]]), whole, equal_nan=True), (
        "the four parts side by side are the pixels of the source"
    )
    corners = [(0, 0), (half, 0), (0, half), (half, half)]  # columns and rows
    assert place.is_identity or all(
        own.almost_equals(transform(Window(*corner, half, half), place))
        for own, corner in zip(places, corners, strict=True)
    ), "each part lies on the quarter of the source's ground that it shows"
    return []


def read_by_gdal(path: Path) -> "tuple[NDArray, Affine]":
    """Pixels of all bands of a raster, and its transform."""
    from benkit.retiling.source import gdal_errors, opened_raster

    with opened_raster(path) as raster, gdal_errors(path):
        return raster.read(), raster.transform


def vector_data(course: Course) -> list[str]:
    """Labels and overlaps of the reference maps."""
    from benkit.domain.decimals import two_decimals
    from benkit.reference_maps.map_overlaps import map_overlaps

    overlaps = map_overlaps(course.maps(), assume_same_crs=True)
    return [
        f"geom-average-num-labels: {two_decimals(course.labels().average_num_labels)}",
        f"geom-num-overlaps: {overlaps.overlapping}",
    ]


def split(course: Course) -> list[str]:
    """Write the sides; there is nothing to print."""
    course.split()
    return []


TASKS: dict[str, Callable[[Course], list[str]]] = {
    "tabular data": tabular_data,
    "checking": checking,
    "statistics": statistics,
    "re-tiling": retiling,
    "vector data": vector_data,
    "split": split,
}


def write_pages(course: Course) -> None:
    """Write the report and the maps, and say where they are."""
    import benkit
    from benkit.files.writing.figure import write_figure
    from benkit.reporting.figures.split_figures import draw_split

    metadata, inventory, sides = course.metadata(), course.inventory(), course.split()
    report, web_map, figure = PAGES
    pages: dict[Path, Callable[[], object]] = {
        report: lambda: benkit.report(
            metadata,
            inventory,
            archive=course.data / ARCHIVE,
            split=sides,
            reference_maps=course.labels(),
            command="python main.py",
            output=report,
        ),
        web_map: lambda: benkit.web_map(
            metadata, benkit.audit(inventory, metadata).findings, sides, output=web_map
        ),
        figure: lambda: write_figure(draw_split(metadata, sides.sides()), figure),
    }
    for path, write in pages.items():
        try:
            write()
        except Exception as error:  # whatever it is, the answers stand
            say(f"the answers are whole, but {path.name} is not: {error}")
    if report.is_file():
        say(f"open {report} to see it all; {web_map.name} and {figure.name} are maps beside it")


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
