"""Which layout an archive has: as it is said, described in a file, or seen by looking."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benkit.archive.listing import (
    Entries,
    Folder,
    PatchFolder,
    entries,
    find_patch,
    list_archive,
    patch_below,
    patch_of_folder,
)
from benkit.domain.layout import Layout
from benkit.domain.layouts import BIGEARTHNET_S2, BUILT_IN, built_in, parse_layout
from benkit.errors import BenkitError, InputFormatError, MissingInputError, OptionError
from benkit.files.limits import LARGEST_FILE
from benkit.files.tar.folder import TarFolder
from benkit.tiff.read import decode_raster, read_whole

LayoutLike = str | os.PathLike[str] | Layout | None
"""A layout: its built-in name, a file that describes it, or a value; None looks which one it is."""

_LARGEST = 1_000_000
_LOOKED_INTO = 5  # folders of a level, and patches of each of these


def layout_of(root: Folder, given: LayoutLike = None) -> Layout:
    """The layout of an archive, as it is said; else a built-in one that fits what lies there.

    Where none fits, it is that of BigEarthNet v2.0, Sentinel-2, of which others say what is wrong.
    """
    if given is None:
        return recognised(root) or BIGEARTHNET_S2
    return as_layout(given)


def as_layout(given: str | os.PathLike[str] | Layout) -> Layout:
    """A layout by its built-in name, or from the file that describes it.

    Raises
    ------
    OptionError
        If it is neither a built-in name nor a file.
    InputFormatError
        If the file describes none.
    """
    if isinstance(given, Layout):
        return given
    name = os.fspath(given)
    if name in BUILT_IN:
        return built_in(name)
    path = Path(name)
    if not path.is_file():
        raise OptionError(
            f"{name}: expected a layout, {', '.join(BUILT_IN)} or a TOML file that describes one, but "
            f"there is {'a folder' if path.is_dir() else 'no such file'}"
        )
    if path.stat().st_size > _LARGEST:
        raise InputFormatError(f"{name}: expected a layout of a page, but the file is too large")
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError:
        raise InputFormatError(
            f"{name}: expected a layout as TOML in UTF-8, but it is none"
        ) from None
    return parse_layout(text, name)


def patch_at(path: Path, given: LayoutLike = None) -> tuple[Path, PatchFolder]:
    """Root of the archive and patch of a patch's folder, or of the file that holds all its bands.

    If the layout is not given, it is the built-in one that fits best.
    """
    path = path.resolve()
    content = entries_of(path if path.is_dir() else path.parent) or Entries([], [], [])
    found: list[tuple[float, int, int, Path, PatchFolder]] = []
    for number, layout in enumerate(map(as_layout, [given] if given else BUILT_IN)):
        name = layout.patch_of_file(path.name) if layout.one_file else path.name
        levels = layout.depth - (not layout.one_file)
        if name is None or layout.one_file == path.is_dir() or levels >= len(path.parents):
            continue
        root = path.parents[levels]
        above = path.parent.relative_to(root).as_posix() if levels else ""
        patch = patch_below(layout, above, name)
        fit = _part(root, layout, _Seen(patch, content)) if given is None else 1.0
        found.append((fit, len(layout.bands), -number, root, patch))
    if not found:
        raise MissingInputError(f"{path}: expected a patch of the layout {given}, but it is none")
    fit, *_, root, patch = max(found, key=lambda one: one[:3])
    return (root, patch) if fit or path.is_file() else patch_of_folder(path)


def patch_named(root: Path | TarFolder, patch_id: str, given: LayoutLike = None) -> PatchFolder:
    """The patch of an archive with an id; a `MissingInputError` if there is none."""
    layout = layout_of(root, given)
    if layout is BIGEARTHNET_S2:
        return find_patch(root, patch_id)
    for patch in list_archive(root, layout).patches:
        if patch.patch_id == patch_id:
            return patch
    raise MissingInputError(
        f"{root}: expected the patch {patch_id} in an archive of the layout {layout.name}, but there is "
        "none; name the root of the archive, and the whole patch id"
    )


def recognised(
    root: Folder, among: Sequence[str | os.PathLike[str] | Layout] = BUILT_IN
) -> Layout | None:
    """The layout that fits some patches of an archive best, of the built-in ones; None if none does."""
    top = entries_of(root)
    if top is None:
        return None
    fits = [
        (fit, len(layout.bands), -number, layout)
        for number, layout in enumerate(map(as_layout, among))
        if (fit := _fit(root, layout, top)) > 0
    ]
    return max(fits, key=lambda one: one[:3])[3] if fits else None


def _fit(root: Folder, layout: Layout, top: Entries) -> float:
    """The largest part of the bands that one of some patches has; 0 where none is of the layout."""
    return max(
        (_part(root, layout, seen) for seen in _some_patches(root, layout, top)), default=0.0
    )


@dataclass(frozen=True)
class _Seen:
    """A patch, and what else lies in its folder."""

    patch: PatchFolder
    content: Entries


def _part(root: Folder, layout: Layout, seen: _Seen) -> float:
    patch, files = seen.patch, set(seen.content.files)
    if layout.tells and layout.parts(patch.patch_id) is None:
        return 0.0
    if layout.labels_file and not files.intersection(layout.file_beside(patch.name, patch.product)):
        return 0.0
    if layout.one_file:
        return float(_holds_all(root / patch.band_path(""), layout))
    return len(files.intersection(layout.band_files(patch.name, patch.product))) / len(layout.bands)


def _holds_all(file: Folder, layout: Layout) -> bool:
    """Whether a file has as many bands as a patch."""
    try:
        return len(decode_raster(file_content(file), str(file)).pixels) == len(layout.bands)
    except BenkitError:
        return False


def _some_patches(root: Folder, layout: Layout, top: Entries) -> Iterator[_Seen]:
    """The first patches in the first folders."""
    level = {"": top}
    for _ in range(layout.depth - (not layout.one_file)):
        folders = [
            f"{above}/{name}" if above else name
            for above, content in level.items()
            for name in content.folders[:_LOOKED_INTO]
        ]
        found = {folder: entries_of(root / folder) for folder in folders[: _LOOKED_INTO**2]}
        level = {folder: content for folder, content in found.items() if content}
    for above, content in level.items():
        if layout.one_file:
            names = [name for name in map(layout.patch_of_file, content.files) if name]
            yield from (_Seen(patch_below(layout, above, name), content) for name in names[:1])
            continue
        for name in content.folders[:_LOOKED_INTO]:
            patch = patch_below(layout, above, name)
            if inside := entries_of(root / patch.path):
                yield _Seen(patch, inside)


def file_content(file: Folder) -> bytes:
    """All bytes of a file."""
    if isinstance(file, Path):
        return read_whole(file, follow=False)
    return file.read_bytes(LARGEST_FILE)


def entries_of(folder: Folder) -> Entries | None:
    """The content of a folder; None if it cannot be listed."""
    try:
        found = entries(folder)
    except BenkitError:
        return None
    return None if isinstance(found, OSError) else found
