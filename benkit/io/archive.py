"""Find the patches of an archive: ``<root>/<product>/<patch id>/<patch id>_<band>.tif``."""

import os
from dataclasses import dataclass
from pathlib import Path

from benkit.errors import MissingInputError
from benkit.io.location import Location, Place
from benkit.io.patience import in_parallel

__all__ = [
    "Listing",
    "PatchFolder",
    "band_file_name",
    "find_file",
    "find_patch",
    "list_archive",
    "patch_of_folder",
]


@dataclass(frozen=True, order=True)
class PatchFolder:
    """A patch on disk.

    Attributes
    ----------
    product, patch_id : str
        Names of the product's folder and of the patch's folder in it.
    """

    product: str
    patch_id: str


@dataclass(frozen=True)
class Listing:
    """What lies in an archive.

    Attributes
    ----------
    root : Path or Location
    patches : tuple of PatchFolder
        Sorted by product, then by patch id.
    strays : tuple of str
        Files beside the product and patch folders, relative to the root, with ``/``, sorted.
    """

    root: Place
    patches: tuple[PatchFolder, ...]
    strays: tuple[str, ...]

    @property
    def name(self) -> str:
        """By what the archive is known again."""
        options = self.root.options if isinstance(self.root, Location) else ()
        return " ".join([str(self.root.resolve()), *(f"{name}={value}" for name, value in options)])


def band_file_name(patch_id: str, band: str) -> str:
    """Name of the file that holds a band of a patch."""
    return f"{patch_id}_{band}.tif"


def list_archive(root: Place) -> Listing:
    """List the patch folders of an archive without opening them.

    Raises
    ------
    MissingInputError
        If the root is not a folder.
    RemoteError
        If a server does not list it.
    """
    _require_folder(root)
    products, strays = _folders_and_files(root)
    patches = []
    places = [root / product for product in products]
    listings = in_parallel if isinstance(root, Location) else map
    for product, (folders, files) in zip(
        products, listings(_folders_and_files, places), strict=True
    ):
        patches += [PatchFolder(product, folder) for folder in folders]
        strays += [f"{product}/{file}" for file in files]
    return Listing(root, tuple(sorted(patches)), tuple(sorted(strays)))


def find_file(root: str | os.PathLike[str], name: str) -> Path:
    """Find a file by its name, wherever it lies below a folder; the first in order of paths.

    Raises
    ------
    MissingInputError
        If there is none.
    """
    for folder, subfolders, files in os.walk(root):
        subfolders.sort()
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

    Raises
    ------
    MissingInputError
        If the root is not a folder, or holds no such patch.
    """
    _require_folder(root)
    own = patch_id.rsplit("_", 2)[0]
    for product in (own, *sorted(_folders_and_files(root)[0])):
        if (root / product / patch_id).is_dir():
            return PatchFolder(product, patch_id)
    raise MissingInputError(
        f"{root}: expected the folder of the patch {patch_id} in that of a product, "
        "but there is none; name the root of the archive, and the whole patch id"
    )


def _require_folder(root: Place) -> None:
    if not root.is_dir():
        raise MissingInputError(
            f"{root}: expected the folder of an archive, <root>/<product>/<patch id>/, "
            f"but there is {'a file' if root.exists() else 'nothing'}"
        )


def _folders_and_files(folder: Place) -> tuple[list[str], list[str]]:
    if isinstance(folder, Location):
        found = folder.entries()
        return [e.name for e in found if e.is_folder], [e.name for e in found if not e.is_folder]
    with os.scandir(folder) as entries:
        names: tuple[list[str], list[str]] = ([], [])
        for entry in entries:
            names[0 if entry.is_dir() else 1].append(entry.name)
    return sorted(names[0]), sorted(names[1])
