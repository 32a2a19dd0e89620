"""A first draft of the description of a layout, from some of the files of an archive."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from benkit.archive.layout_file import entries_of, file_content
from benkit.domain.layouts import ARCHIVE_METADATA
from benkit.errors import BenkitError, InputFormatError
from benkit.files.file_kinds import is_hidden
from benkit.files.remote.location import Location
from benkit.files.safe_names import printable
from benkit.tiff.raster import Raster
from benkit.tiff.read import decode_raster

_SUFFIXES = (".tif", ".tiff")
_DEEPEST, _FOLDERS, _OF_A_FOLDER = 6, 40, 400
_MOST_BANDS = 30  # in a single folder; more are patches
_MOST_BESIDE = 4  # kinds of rasters beside a patch; more are patches
_DEGREES_LOOK_LIKE = 0.02  # a pixel below that is in degrees, or that of a drone


def guess_layout(root: Location) -> str:
    """Describe the archive below a folder as TOML, by the TIFFs in some of its folders.

    Raises
    ------
    InputFormatError
        If no TIFF lies there, or none of them can be read.
    """
    folders = list(_folders_with_tiffs(root))
    if not folders:
        raise InputFormatError(
            f"{root}: expected an archive to describe, but there is no TIFF in the folders looked into"
        )
    depth = len(folders[0][0])
    alike = [(way, names) for way, names, _ in folders if len(way) == depth]
    others = [(way, names, other) for way, names, other in folders if len(way) == depth]
    way, names = alike[0]
    inside = root / "/".join(way) if way else root
    first = next(filter(None, (_read(inside / name) for name in names)), None)
    if first is None:
        raise InputFormatError(f"{root}: expected TIFFs, but none of those looked into can be read")
    file, bands = _file_of(alike)
    if first.profile.bands > 1 or not bands:
        file = f"{{patch}}{PurePosixPath(names[0]).suffix}"
        bands = []
        rasters = {f"band_{number + 1}": first for number in range(first.profile.bands)}
    else:
        read = {band: _read(inside / _named(way, file, band)) for band in bands}
        rasters = {band: raster or first for band, raster in read.items()}
    levels = [f"{{level_{number + 1}}}" for number in range(depth)]
    if bands and levels:
        levels[-1] = "{patch}"
    if bands:
        beside = _beside(others, one_file=False)
        ids = [way[-1] for way, _ in alike if way]
    else:
        some = [_with_rasters_beside(one) for one in others]
        beside = _beside(some, one_file=True)
        ids = [name for _, names, _ in some for name in names]
    unique = len(ids) == len({*ids})
    return _text(root, "/".join(levels), file, beside, rasters, unique=unique)


_Found = tuple[tuple[str, ...], list[str], list[str]]
"""The way from the root to a folder, and the names of TIFFs and of other files in it."""


def _folders_with_tiffs(root: Location) -> Iterator[_Found]:
    """The first some of the folders that hold TIFFs."""
    waiting: list[tuple[str, ...]] = [()]
    found = 0
    while waiting and found < _FOLDERS:
        way = waiting.pop(0)
        content = entries_of(root / "/".join(way) if way else root)
        if content is None:
            continue
        names = [name for name in content.files if name.lower().endswith(_SUFFIXES)]
        if names:
            found += 1
            yield way, names[:_OF_A_FOLDER], [one for one in content.files if one not in {*names}]
        elif len(way) < _DEEPEST:
            waiting += [(*way, name) for name in content.folders[:_FOLDERS]]


def _file_of(folders: Sequence[tuple[tuple[str, ...], list[str]]]) -> tuple[str, list[str]]:
    """The form of the files' names, and the names of the bands; none where a file holds a patch."""
    suffix = PurePosixPath(folders[0][1][0]).suffix
    stems = [[name.removesuffix(suffix) for name in names] for _, names in folders]
    depth = len(folders[0][0])
    for top in range(depth):  # names of files may tell the folders above, too
        own = ["_".join((*way[top:], "")) for way, _ in folders]
        if not all(s.startswith(name) for name, of in zip(own, stems, strict=True) for s in of):
            continue
        rests = [[s.removeprefix(name) for s in of] for name, of in zip(own, stems, strict=True)]
        if _are_bands(rests):
            levels = [f"{{level_{number + 1}}}" for number in range(top, depth - 1)]
            return "_".join((*levels, f"{{patch}}_{{band}}{suffix}")), _all_of(rests)
    if _are_bands(stems):
        return f"{{band}}{suffix}", _all_of(stems)
    return "", []


def _are_bands(folders: Sequence[Sequence[str]]) -> bool:
    """Whether names come again in other folders; of a single folder, whether they are a few."""
    if len(folders) == 1:
        return len(folders[0]) <= _MOST_BANDS
    return len(_all_of(folders)) <= 2 * max(map(len, folders)) - (max(map(len, folders)) == 1)


def _all_of(lists: Sequence[Sequence[str]]) -> list[str]:
    return list(dict.fromkeys(name for names in lists for name in names))


def _with_rasters_beside(found: _Found) -> _Found:
    """The same where a raster whose name begins with that of another lies beside it, as masks do."""
    way, names, others = found
    stems = {PurePosixPath(name).stem for name in names}
    rests = {
        name: name[end.start() :]
        for name in names
        for end in re.finditer(r"[_.]", PurePosixPath(name).stem)
        if name[: end.start()] in stems
    }
    if len({*rests.values()}) > _MOST_BESIDE:
        return found
    return way, [name for name in names if name not in rests], [*others, *rests]


def _beside(folders: Sequence[_Found], *, one_file: bool) -> list[str]:
    """The forms of the names of other files, beside the bands of several patches or of all."""
    times: dict[str, int] = {}
    for way, names, others in folders:
        patches = {PurePosixPath(name).stem for name in names} if one_file else {*way[-1:]}
        for name in others[:_OF_A_FOLDER]:
            own = max((one for one in patches if name.startswith(one)), key=len, default="")
            form = "{patch}" + name.removeprefix(own) if own else name
            if not is_hidden(name) and (way or name != ARCHIVE_METADATA):
                times[form] = times.get(form, 0) + 1
    return [form for form, number in times.items() if number > 1 or len(folders) == 1]


def _named(way: tuple[str, ...], file: str, band: str) -> str:
    for number, name in enumerate(way[:-1]):
        file = file.replace(f"{{level_{number + 1}}}", name)
    return file.replace("{patch}", way[-1] if way else "").replace("{band}", band)


def _read(file: Location) -> Raster | None:
    try:
        return decode_raster(file_content(file), str(file))
    except BenkitError:
        return None


def _text(
    root: Location,
    folder: str,
    file: str,
    beside: Sequence[str],
    rasters: dict[str, Raster],
    *,
    unique: bool,
) -> str:
    texts = [name for name in beside if name.endswith(".json")]
    lines = [
        "# A first draft, from some files: check each line (docs/layouts.md says what it means).",
        f'name = "{_plain(root.name) or "archive"}"',
        f'folder = "{folder}"',
        f'file = "{file}"',
        *([] if unique else ['id = "path"   # as names of patches come again in other folders']),
        '# tells = "{mission}_{date}_{tile}"   # what the parts of a patch\'s name are',
        *([f"beside = {json.dumps([*map(_plain, beside)])}"] if beside else []),
        *([f'# labels = "json"\n# labels_file = "{_plain(texts[0])}"'] if texts else []),
        *(['# labels = "class"   # after {level_1} or another became {class}'] if folder else []),
        "",
        "[bands]",
    ]
    lines += [f'"{band}" = {_band(raster)}' for band, raster in rasters.items()]
    return "\n".join(lines) + "\n"


def _plain(name: str) -> str:
    return printable(name).replace("\\", "_").replace('"', "_")


def _band(raster: Raster) -> str:
    profile = raster.profile
    same = profile.width == profile.height
    size = profile.width if same else f"[{profile.width}, {profile.height}]"
    keys = [f"size = {size}", f'dtype = "{profile.dtype.name}"']
    if profile.pixel_size and profile.pixel_size >= _DEGREES_LOOK_LIKE:
        keys.append(f"pixel_size = {profile.pixel_size:.12g}")
    if profile.nodata is not None:
        keys.append(f"nodata = {profile.nodata:.17g}")
    return "{ " + ", ".join(keys) + " }"
