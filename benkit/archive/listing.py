"""Find the patches of an archive: ``<root>/<product>/<patch id>/<patch id>_<band>.tif``."""

import os
from dataclasses import dataclass
from pathlib import Path

from benkit.domain.layouts import ARCHIVE_METADATA, BIGEARTHNET_S2
from benkit.errors import InputFormatError, MissingInputError
from benkit.files.file_kinds import is_hidden, kind_of
from benkit.files.remote.location import Location, RemotePath
from benkit.files.remote.retry import in_parallel
from benkit.files.safe_names import require_single_name

_HIDDEN = "a hidden folder, which is no product or patch"


@dataclass(frozen=True, order=True)
class PatchFolder:
    """A patch on disk: the names of its product's folder and of its own folder in that."""

    product: str
    patch_id: str

    @property
    def path(self) -> str:
        """Path of the folder, relative to the root of the archive, with ``/``."""
        return f"{self.product}/{self.patch_id}"

    def band_path(self, band: str) -> str:
        """Path of a band's file, relative to the root of the archive, with ``/``."""
        return f"{self.path}/{BIGEARTHNET_S2.band_file(self.patch_id, band)}"


@dataclass(frozen=True)
class Listing:
    """The content of an archive.

    Attributes
    ----------
    root : Location
    patches : tuple of PatchFolder
        Sorted by product, then by patch id.
    strays : tuple of str
        Files beside the product and patch folders, relative to the root, with ``/``, sorted.
    closed : tuple of (str, str)
        What is not a file and was not entered, relative to the root, and why, sorted: links, which may
        lead out of the archive or in circles, pipes, devices, hidden folders, and folders that cannot
        be listed.
    """

    root: Location
    patches: tuple[PatchFolder, ...]
    strays: tuple[str, ...]
    closed: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """What identifies the archive in a later scan."""
        options = self.root.options if isinstance(self.root, RemotePath) else ()
        return " ".join([str(self.root.resolve()), *(f"{name}={value}" for name, value in options)])


def list_archive(root: Location) -> Listing:
    """List the patch folders of an archive without opening them.

    The root itself may be a link; below it none is followed. A root that is not a folder or cannot be
    listed is a `MissingInputError`.
    """
    _require_folder(root)
    top = entries(root)
    if isinstance(top, OSError):
        raise MissingInputError(f"{root}: cannot be listed: {top.strerror}")
    patches: list[PatchFolder] = []
    strays = [name for name in top.files if name != ARCHIVE_METADATA]
    closed = list(top.closed)
    listings = in_parallel if isinstance(root, RemotePath) else map
    products = [root / product for product in top.folders]
    for product, found in zip(top.folders, listings(entries, products), strict=True):
        if isinstance(found, OSError):
            closed.append((product, f"cannot be listed: {found.strerror}"))
            continue
        patches += [PatchFolder(product, folder) for folder in found.folders]
        strays += [f"{product}/{name}" for name in found.files]
        closed += [(f"{product}/{name}", why) for name, why in found.closed]
    return Listing(root, tuple(sorted(patches)), tuple(sorted(strays)), tuple(sorted(closed)))


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


def find_patch(root: Path, patch_id: str) -> PatchFolder:
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
    folder = root / require_single_name(patch.product) / require_single_name(patch.patch_id)
    if _leads_elsewhere(folder):
        raise InputFormatError(f"{folder}: leads elsewhere: a link, which is not followed")


def _leads_elsewhere(folder: Location) -> bool:
    """Whether the folder of a patch, or of its product, is a link."""
    return isinstance(folder, Path) and (folder.is_symlink() or folder.parent.is_symlink())


def _require_folder(root: Location) -> None:
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


def entries(folder: Location) -> Entries | OSError:
    """The content of a folder, or why it cannot be listed."""
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


def _why_closed(entry: os.DirEntry[str]) -> str:
    try:
        return kind_of(entry.stat(follow_symlinks=False).st_mode) or "has just changed"
    except OSError as error:
        return f"cannot be looked at: {error.strerror}"
