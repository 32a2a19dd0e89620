"""Find the files of reference maps, and process them in chunks."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn, TypeVar

from benkit.engine import Engine, run
from benkit.errors import InputFormatError, MissingInputError
from benkit.files.file_kinds import is_hidden

MAP_SUFFIX = "_reference_map"
"""Follows the patch id in the name of a reference map."""

Result = TypeVar("Result")

POLYGON_SUFFIXES = (".parquet", ".geoparquet")
"""Suffixes of maps of polygons, also in capitals; those of pixels follow `MAP_SUFFIX`."""

_TIFF_SUFFIX = f"{MAP_SUFFIX}.tif"
_SUFFIXES = (*POLYGON_SUFFIXES, _TIFF_SUFFIX, f"{_TIFF_SUFFIX}f")
_POLYGON_FILE = f"<patch id>{MAP_SUFFIX}.parquet"
_PIXEL_FILE = f"<product>/<patch id>/<patch id>{_TIFF_SUFFIX}"
_FILES_PER_CHUNK = 512
_FEW_FILES = 3000


def find_maps(*folders: Path, only_polygons: bool = False) -> dict[str, Path]:
    """Find the reference map of each patch in some folders, sorted by patch id, without opening them.

    Maps are the files that end with ``.parquet`` or ``.geoparquet`` and those that end with
    ``_reference_map.tif`` or ``.tiff``, also in capitals, at any depth, or only the `polygon_files`. The
    patch id is the name without ``_reference_map`` and the suffix. Hidden files and folders are left
    out.
    """
    found: dict[str, Path] = {}
    for folder in folders:
        for path in _maps_of(folder, only_polygons):
            patch = patch_of(path)
            if other := found.get(patch):
                raise InputFormatError(
                    f"{path}: expected one reference map a patch, but {other} is also of {patch}; "
                    "remove one"
                )
            found[patch] = path
    return dict(sorted(found.items()))


def patch_of(path: Path) -> str:
    """The patch of a reference map, by its name."""
    return path.name.removesuffix(path.suffix).removesuffix(MAP_SUFFIX)


def polygon_files(folder: Path) -> list[Path]:
    """The GeoParquet files directly in a folder, sorted by name, without hidden ones."""
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        _refuse(error)
    return [folder / name for name in names if _is_map(name, POLYGON_SUFFIXES)]


def _is_map(name: str, suffixes: tuple[str, ...] = _SUFFIXES) -> bool:
    return name.lower().endswith(suffixes) and not is_hidden(name)


def _maps_of(folder: Path, only_polygons: bool) -> list[Path]:
    """The reference maps of a folder, at least one."""
    if not folder.is_dir():
        raise MissingInputError(
            f"{folder}: expected a folder of reference maps, "
            f"but there is {'a file' if folder.exists() else 'nothing'}"
        )
    paths = polygon_files(folder) if only_polygons else _maps_below(folder)
    if not paths:
        expected = _POLYGON_FILE if only_polygons else f"{_POLYGON_FILE} or {_PIXEL_FILE}"
        raise MissingInputError(
            f"{folder}: expected reference maps, {expected}, but there is none in it"
        )
    return paths


def _maps_below(folder: Path) -> list[Path]:
    """The reference maps of both kinds in a folder and its subfolders."""
    paths = []
    for parent, subfolders, names in os.walk(folder, onerror=_refuse):
        subfolders[:] = sorted(name for name in subfolders if not is_hidden(name))
        paths += [Path(parent, name) for name in sorted(names) if _is_map(name)]
    return paths


def _refuse(error: OSError) -> NoReturn:
    raise MissingInputError(
        f"{error.filename}: expected a folder of reference maps, but it cannot be listed: "
        f"{error.strerror}"
    ) from None


def run_over_maps(
    function: Callable[[Sequence[Path]], Result], files: Sequence[Path], engine: Engine | None
) -> Iterator[tuple[int, Result]]:
    """Apply a function to chunks of files; yields how many files are done, and the result.

    Where the engine does not give the number of workers, few files are read in this process: to
    start others would take longer.
    """
    if len(files) < _FEW_FILES and engine in (None, Engine()):
        engine = Engine(workers=1)
    starts = range(0, len(files), _FILES_PER_CHUNK)
    chunks = [files[start : start + _FILES_PER_CHUNK] for start in starts]
    done = 0
    for chunk, result in zip(chunks, run(function, chunks, engine), strict=True):
        done += len(chunk)
        yield done, result
