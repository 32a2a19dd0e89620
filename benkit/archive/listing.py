"""Find the patches of an archive, such as ``<root>/<product>/<patch id>/<patch id>_<band>.tif``."""

import os
from dataclasses import dataclass, field, replace
from pathlib import Path

from benkit.domain.layout import Layout
from benkit.domain.layouts import ARCHIVE_METADATA, BIGEARTHNET_S2
from benkit.errors import InputFormatError, MissingInputError
from benkit.files.file_kinds import is_hidden, kind_of
from benkit.files.remote.location import Location, RemotePath
from benkit.files.safe_names import require_single_name
from benkit.files.tar.folder import TarFolder

_TOO_DEEP = "a folder where the files of patches lie"
_HIDDEN = "a hidden folder, which is no product or patch"

Folder = Location | TarFolder
"""What can be listed: a folder, or one in a tar."""


@dataclass(frozen=True, order=True)
class PatchFolder:
    """A patch on disk.

    Attributes
    ----------
    product : str
        The folders above that of the patch, relative to the root, with ``/``; empty if there are none.
    patch_id : str
    layout : Layout
    """

    product: str
    patch_id: str
    layout: Layout = field(default=BIGEARTHNET_S2, compare=False, repr=False)

    @property
    def name(self) -> str:
        """Name of its folder, or of its file without the suffix."""
        if self.layout.id == "name" or not self.product:
            return self.patch_id
        return self.patch_id.removeprefix(f"{self.product.replace('/', '_')}_")

    @property
    def path(self) -> str:
        """Path of the folder in which its files lie, relative to the root of the archive, with ``/``."""
        if self.layout.one_file:
            return self.product
        return f"{self.product}/{self.name}" if self.product else self.name

    @property
    def key(self) -> str:
        """Path by which it is told from all others of the archive."""
        return f"{self.path}/{self.name}" if self.layout.one_file else self.path

    def band_path(self, band: str) -> str:
        """Path of a band's file, relative to the root of the archive, with ``/``."""
        path, name = self.path, self.layout.band_file(self.name, band, self.product)
        return f"{path}/{name}" if path else name


def patch_below(layout: Layout, product: str, name: str) -> PatchFolder:
    """The patch whose folder, or file without the suffix, has a name and lies below some folders."""
    above = f"{product.replace('/', '_')}_" if layout.id == "path" and product else ""
    return PatchFolder(product, above + name, layout)


@dataclass(frozen=True)
class Listing:
    """The content of an archive.

    Attributes
    ----------
    root : Location or TarFolder
    patches : tuple of PatchFolder
        Sorted by product, then by patch id.
    strays : tuple of str
        Files beside the product and patch folders, relative to the root, with ``/``, sorted.
    closed : tuple of (str, str)
        What is not a file and was not entered, relative to the root, and why, sorted: links, which may
        lead out of the archive or in circles, pipes, devices, hidden folders, and folders that cannot
        be listed.
    """

    root: Folder
    patches: tuple[PatchFolder, ...]
    strays: tuple[str, ...]
    closed: tuple[tuple[str, str], ...] = ()
    layout: Layout = BIGEARTHNET_S2

    @property
    def name(self) -> str:
        """What identifies the archive in a later scan."""
        options = self.root.options if isinstance(self.root, RemotePath) else ()
        return " ".join([str(self.root.resolve()), *(f"{name}={value}" for name, value in options)])


def list_archive(root: Folder, layout: Layout = BIGEARTHNET_S2) -> Listing:
    """List the patches of an archive without opening them.

    The root itself may be a link; below it none is followed. A root that is not a folder or cannot be
    listed is a `MissingInputError`.
    """
    _require_folder(root)
    top = entries(root)
    if isinstance(top, OSError):
        raise MissingInputError(f"{root}: cannot be listed: {top.strerror}")
    strays = [name for name in top.files if name != ARCHIVE_METADATA]
    closed = list(top.closed)
    level = {"": replace(top, files=strays)}
    patches: list[PatchFolder] = []
    listings = root.in_parallel if isinstance(root, RemotePath) else map
    for _ in range(layout.depth - (not layout.one_file)):
        folders = [
            _joined(above, name) for above, content in level.items() for name in content.folders
        ]
        level = {}
        for folder, found in zip(
            folders, listings(entries, [root / folder for folder in folders]), strict=True
        ):
            if isinstance(found, OSError):
                closed.append((folder, f"cannot be listed: {found.strerror}"))
                continue
            level[folder] = found
            strays += [_joined(folder, name) for name in found.files]
            closed += [(_joined(folder, name), why) for name, why in found.closed]
    of_patches: set[str] = set()
    for above, content in level.items():
        if not layout.one_file:
            patches += [patch_below(layout, above, name) for name in content.folders]
            continue
        for name in content.files:
            if patch := layout.patch_of_file(name):
                patches.append(patch_below(layout, above, patch))
                names = (name, *layout.file_beside(patch, above))
                of_patches.update(_joined(above, one) for one in names)
        closed += [(_joined(above, name), _TOO_DEEP) for name in content.folders]
    strays = [name for name in strays if name not in of_patches]
    return Listing(
        root, tuple(sorted(patches)), tuple(sorted(strays)), tuple(sorted(closed)), layout
    )


def _joined(above: str, name: str) -> str:
    return f"{above}/{name}" if above else name


def find_file(root: str | os.PathLike[str], name: str) -> Path:
    """Find a file by its name, wherever it lies below a folder; the first in order of paths.

    Hidden folders (see `is_hidden`) are not entered.
    """
    for folder, subfolders, files in os.walk(root):
        subfolders[:] = sorted(name for name in subfolders if not is_hidden(name))
        if name in files:
            return Path(folder) / name
    raise MissingInputError(
        f"{root}: expected the file {name} somewhere below it, but it is not there"
    )


def patch_of_folder(folder: Path) -> tuple[Path, PatchFolder]:
    """Root of the archive and patch of a folder ``<root>/<product>/<patch id>``."""
    folder = folder.resolve()
    return folder.parent.parent, PatchFolder(folder.parent.name, folder.name)


def find_patch(root: Path | TarFolder, patch_id: str) -> PatchFolder:
    """Find a patch by its id; the one in the folder of its own product, if there are several.

    An id that is not the name of a folder, but leads elsewhere, is refused.
    """
    _require_folder(root)
    own = require_single_name(patch_id).rsplit("_", 2)[0]
    top = entries(root)
    for product in (own, *([] if isinstance(top, OSError) else top.folders)):
        patch = PatchFolder(product, patch_id)
        if (root / patch.path).is_dir() and not _leads_elsewhere(root / patch.path):
            return patch
    raise MissingInputError(
        f"{root}: expected the folder of the patch {patch_id} in that of a product, "
        "but there is none; name the root of the archive, and the whole patch id"
    )


def require_inside(root: Path, patch: PatchFolder) -> None:
    """Refuse a patch whose names lead out of the archive: by their text, or since a folder is a link."""
    folder, layout = root, patch.layout
    above = patch.product.split("/") if layout.depth - (not layout.one_file) else []
    require_single_name(patch.name)
    for name in above if layout.one_file else [*above, patch.name]:
        folder = folder / require_single_name(name)
        if folder.is_symlink():
            raise InputFormatError(f"{folder}: leads elsewhere: a link, which is not followed")


def _leads_elsewhere(folder: Folder) -> bool:
    """Whether the folder of a patch, or of its product, is a link."""
    return isinstance(folder, Path) and (folder.is_symlink() or folder.parent.is_symlink())


def _require_folder(root: Folder) -> None:
    if not root.is_dir():
        raise MissingInputError(
            f"{root}: expected the folder of an archive, <root>/<product>/<patch id>/, "
            f"but there is {'a file' if root.exists() else 'nothing'}"
        )


@dataclass(frozen=True)
class Entries:
    """The content of a folder, each sorted: names, and why something is not entered."""

    folders: list[str]
    files: list[str]
    closed: list[tuple[str, str]]


def entries(folder: Folder) -> Entries | OSError:
    """The content of a folder, or why it cannot be listed."""
    if isinstance(folder, TarFolder):
        return _entries_in_tar(folder)
    if isinstance(folder, RemotePath):
        listed = folder.entries()
        inside = [entry.name for entry in listed if entry.is_folder]
        files = [entry.name for entry in listed if not entry.is_folder]
        return Entries(
            [name for name in inside if not is_hidden(name)],
            files,
            [(name, _HIDDEN) for name in inside if is_hidden(name)],
        )
    found = Entries([], [], [])
    try:
        with os.scandir(folder) as scanned:
            sorted_entries = sorted(scanned, key=lambda entry: entry.name)
        for entry in sorted_entries:
            if entry.is_dir(follow_symlinks=False):
                if is_hidden(entry.name):
                    found.closed.append((entry.name, _HIDDEN))
                else:
                    found.folders.append(entry.name)
            elif entry.is_file(follow_symlinks=False):
                found.files.append(entry.name)
            else:
                found.closed.append((entry.name, _why_closed(entry)))
    except OSError as error:
        return error
    return found


def _entries_in_tar(folder: TarFolder) -> Entries:
    found = Entries([], [], [])
    for name, content in sorted(folder.content.items()):
        if isinstance(content, str):
            found.closed.append((name, content))
        elif not isinstance(content, dict):
            found.files.append(name)
        elif is_hidden(name):
            found.closed.append((name, _HIDDEN))
        else:
            found.folders.append(name)
    return found


def _why_closed(entry: os.DirEntry[str]) -> str:
    try:
        return kind_of(entry.stat(follow_symlinks=False).st_mode) or "has just changed"
    except OSError as error:
        return f"cannot be looked at: {error.strerror}"
