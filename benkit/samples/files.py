"""Write samples in the layout of the course data set."""

import gzip
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benkit.domain.patch_names import PatchId
from benkit.errors import OptionError
from benkit.files.writing.replace import replacing_folder
from benkit.reference_maps.map_files import MAP_SUFFIX

_ARCHIVE_FOLDER = "BigEarthNet-v2.0-S2-with-errors"
_README_NAME = "README.txt"
_MAPS_FOLDER = "Reference_Maps"
_GEOPARQUET_FOLDER = "geoparquets"
_FIRST_WORDS = "Synthetic data, made by benkit"


@contextmanager
def building_sample(folder: Path) -> Iterator[Path]:
    """Give a temporary folder beside; when all went well it becomes ``folder``, else it is removed.

    An earlier sample is replaced; anything else in the folder raises `OptionError`.
    """
    _refuse_other_content(folder)
    with replacing_folder(folder) as part:
        yield part


def _refuse_other_content(folder: Path) -> None:
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    readme = folder / _README_NAME
    if not (readme.is_file() and readme.read_bytes().startswith(_FIRST_WORDS.encode())):
        raise OptionError(
            f"{folder}: expected a new or empty folder, or an earlier sample, but there is something "
            "else in it; choose another folder"
        )


def write_patch(
    folder: Path,
    patch: PatchId,
    *,
    bands: Mapping[str, bytes],
    reference_map: bytes,
    geoparquet: bytes,
) -> None:
    """Write the files of a patch's folder, and its reference map as GeoTIFF and as GeoParquet."""
    for root, files in (
        (_ARCHIVE_FOLDER, bands),
        (_MAPS_FOLDER, {f"{patch}{MAP_SUFFIX}.tif": reference_map}),
    ):
        write_files(folder / root / str(patch.product) / str(patch), files)
    write_files(folder / _GEOPARQUET_FOLDER, {f"{patch}{MAP_SUFFIX}.parquet": geoparquet})


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files by name into a folder, which need not be there yet."""
    folder.mkdir(parents=True, exist_ok=True)  # a chunk is done again when its worker died
    for name, content in files.items():
        (folder / name).write_bytes(content)


def write_metadata(folder: Path, metadata: pa.Table) -> None:
    """Write the metadata."""
    pq.write_table(metadata, folder / "metadata.parquet", compression="zstd")


def write_list(folder: Path, for_stats: Sequence[tuple[str, str]]) -> None:
    """Write the list of patches for statistics: product and patch id."""
    text = "".join(f"{product},{patch}\n" for product, patch in [("tile", "patch_id"), *for_stats])
    packed = io.BytesIO()
    with gzip.GzipFile("", "wb", 9, packed, mtime=0) as file:  # the same bytes at any time
        file.write(text.encode())
    (folder / "patches_for_stats.csv.gz").write_bytes(packed.getvalue())


def write_readme(folder: Path, seed: int, lines: Sequence[str]) -> None:
    """Write a file that says that the sample is synthetic, and what is in it."""
    first = f"{_FIRST_WORDS} from seed {seed}. Nothing in this folder was ever measured."
    text = [first, "", *lines]
    (folder / _README_NAME).write_text("\n".join(text) + "\n", "utf-8", newline="\n")
