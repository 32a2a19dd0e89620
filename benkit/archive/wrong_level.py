"""Refuse a folder that is no root of an archive, with what it seems to be and the root that fits.

Of a good archive one folder is listed for that.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from benkit.archive.listing import Entries, Listing, PatchFolder, entries
from benkit.domain.layouts import BIGEARTHNET_S2
from benkit.domain.patch_names import is_version_1_name
from benkit.errors import InputFormatError, MissingInputError, RemoteError
from benkit.files.file_kinds import LINK, is_hidden
from benkit.files.remote.location import Location, RemotePath
from benkit.files.safe_names import printable, some_names
from benkit.files.tar.folder import TarFolder
from benkit.files.tar.stream import TAR_SUFFIXES

_MOST_PATCHES = 200  # in which a band is looked for
_FOLDERS = 3  # that a message names
_LOOKED_INTO = (50, 3, 3, 3, 3, 3)  # folders of each level below a root that does not fit
_S2 = "name the folder of the Sentinel-2 patches"
_OTHERS = {
    (
        "_VV.tif",
        "_VH.tif",
    ): "Sentinel-1 patches at another place; name the folder of their products",
    ("_reference_map.tif", "_reference_map.parquet"): f"reference maps, for `benkit labels`; {_S2}",
    (
        ".part.parquet",
    ): "parts of an inventory without inventory-parts.parquet, which names them; copy "
    "that, too, or scan the archive again",
    (".jp2",): "products or scenes, which `benkit patchify` cuts into patches",
    TAR_SUFFIXES: "a tar, which is scanned as it is; name the tar",
    (
        ".gz",
        ".zst",
        ".zip",
        ".bz2",
        ".xz",
        ".7z",
    ): "packed files; unpack them",
    tuple(f"_{band}.tif" for band in BIGEARTHNET_S2.bands): "bands in folders of other names; each "
    "is to be <patch id>_<band>.tif in the folder <patch id>",
}


@dataclass(frozen=True)
class _Folder:
    """A folder below a root: the way to it, from the root to itself, and its content."""

    way: tuple[Location, ...]
    content: Entries

    @property
    def name(self) -> str:
        return _name(self.way[-1])

    @property
    def is_patch(self) -> bool:
        """Whether it holds a band of the patch whose name it has."""
        return not {*BIGEARTHNET_S2.band_files(self.name)}.isdisjoint(self.content.files)


def require_archive(listing: Listing) -> None:
    """Refuse a root of which no folder at the place of patches holds a band.

    Raises
    ------
    InputFormatError
        Which says what the folder seems to be, and the root that fits.
    """
    some = listing.patches[:: len(listing.patches) // _MOST_PATCHES + 1]
    root, layout = listing.root, listing.layout
    assert not isinstance(root, TarFolder), "what a tar holds is seen when it is opened"
    if any(_may_hold_band(root, patch) for patch in some):
        return
    if layout is not BIGEARTHNET_S2:
        raise InputFormatError(
            f"{listing.root}: expected the folder of an archive with the layout {layout.name}, "
            f"<root>/{layout.folder}/{layout.file}, but none of {len(listing.patches):,} patches there "
            f"has a file{_rasters(list(_folders(root)))}"
        )
    raise InputFormatError(
        f"{listing.root}: expected the folder of an archive, <root>/<product>/<patch id>/"
        f"<patch id>_<band>.tif, but {_what_it_is(listing, root)}"
    )


def _may_hold_band(root: Location, patch: PatchFolder) -> bool:
    """Whether a folder holds a band of its patch, whatever that is, or cannot be listed."""
    layout = patch.layout
    if layout.one_file:
        return True
    if layout is BIGEARTHNET_S2 and is_version_1_name(patch.patch_id):
        return False
    content = _content(root / patch.path)
    if content is None:
        return True
    names = {*content.files, *content.folders, *(name for name, _ in content.closed)}
    return not names.isdisjoint(layout.band_files(patch.name, patch.product))


def _content(folder: Location) -> Entries | None:
    try:
        content = entries(folder)
    except (RemoteError, MissingInputError):
        return None
    return None if isinstance(content, OSError) else content


def _what_it_is(listing: Listing, root: Location) -> str:
    looked_at: list[_Folder] = []
    if isinstance(root, Path) and root.is_symlink():  # its own name tells nothing
        root = root.resolve()
    for folder in _folders(root):
        if folder.is_patch:
            return _of_patch(folder)
        looked_at.append(folder)
    files = [name for one in looked_at for name in one.content.files if not is_hidden(name)]
    for endings, what in _OTHERS.items():
        lowered = tuple(ending.lower() for ending in endings)
        if found := [name for name in files if name.lower().endswith(lowered)]:
            return f"it seems to hold {what} (such as {printable(found[0])})"
    if closed := [
        (name, why) for name, why in listing.closed if not is_hidden(name.rpartition("/")[2])
    ]:
        name, why = closed[0]
        advice = "; `cp -rL` copies an archive with what links lead to" if why == LINK else ""
        return f"no patch in it can be reached (such as {printable(name)}: {why}){advice}"
    rasters = _rasters(looked_at)
    if listing.patches:
        some = printable(listing.patches[0].path)
        hollow = f"none of its {len(listing.patches):,} folders such as {some} holds a band"
        return f"{hollow}{rasters}"
    nothing = "there is no patch in it" if files or len(looked_at) > 1 else "it is empty"
    return f"{nothing}{rasters}"


def _rasters(looked_at: list[_Folder]) -> str:
    """Where other TIFFs lie, such as those of an archive with a folder a class."""
    found = [
        ("/".join(map(_name, [*one.way[1:], one.way[-1] / name])), _name(one.way[-1]))
        for one in looked_at
        for name in one.content.files
        if name.lower().endswith((".tif", ".tiff")) and not is_hidden(name)
    ]
    if not found:
        return ""
    folders = list(dict.fromkeys(folder for _, folder in found))
    return (
        f"; TIFFs lie in {some_names(folders[:_FOLDERS])}{', ...' if len(folders) > _FOLDERS else ''}, "
        f"such as {printable(found[0][0])}; name an archive of a built-in layout, or describe "
        "its own: `benkit scan DIR --guess-layout my.toml` writes a first draft"
    )


def _of_patch(patch: _Folder) -> str:
    """What a root is, given a patch in it or below it, and which root fits."""
    name, product = patch.name, patch.name[:-6]
    if is_version_1_name(name):
        return (
            f"it seems to be of BigEarthNet v1.0, whose patches (such as {name}) lie in no folders of "
            "products; download v2.0"
        )
    *above, root_or_product, _ = (
        patch.way if len(patch.way) > 1 else (_above(patch.way[0]), *patch.way)
    )
    if len(above) > 1:
        return f"it seems to lie above an archive; name {above[-1]}"
    if _name(root_or_product) != product:
        return (
            f"its patches (such as {printable(name)}) lie in no folders of products; put each into one, "
            f"as <root>/{printable(product)}/{printable(name)}"
        )
    what = "one product" if len(patch.way) > 1 else "one patch"
    return f"it seems to be {what} of an archive; name {_above(root_or_product)}"


def _name(folder: Location) -> str:
    return (folder if folder.name else folder.resolve()).name


def _above(folder: Location) -> Location:
    """The folder that a folder lies in."""
    if isinstance(folder, RemotePath):
        return replace(folder, path=folder.path.rpartition("/")[0])
    return folder.resolve().parent


def _folders(root: Location) -> Iterator[_Folder]:
    """The root and some folders below it, each before those that lie in it."""
    waiting: list[tuple[Location, ...]] = [(root,)]
    while waiting:
        way = waiting.pop()
        content = _content(way[-1])
        if content is None:
            continue
        yield _Folder(way, content)
        if len(way) <= len(_LOOKED_INTO):
            some = content.folders[: _LOOKED_INTO[len(way) - 1]]
            waiting += [(*way, way[-1] / name) for name in reversed(some)]
