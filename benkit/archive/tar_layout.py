"""Which folder of a tar is the root of an archive, and what its members are there."""

from pathlib import Path

from benkit.archive.layout_file import LayoutLike, as_layout, patch_named, recognised
from benkit.archive.listing import PatchFolder, patch_below
from benkit.domain.layout import Layout
from benkit.domain.layouts import BUILT_IN
from benkit.errors import InputFormatError, MissingInputError
from benkit.files.file_kinds import is_hidden
from benkit.files.safe_names import some_names
from benkit.files.tar.folder import TarFolder, Tree, planted
from benkit.files.tar.headers import TarMember
from benkit.files.tar.read_at import TarContent
from benkit.files.tar.stream import open_tar

_MOST_FOLDERS, _OF_A_FOLDER = 100, 20
_DEEPEST = 20  # folders above the archive, which absolute names begin with
_LEADS_OUT = "leads out of the archive"
_KEPT = 1000


def archive_in_tar(tar: Path, tree: Tree, given: LayoutLike = None) -> tuple[TarFolder, Layout]:
    """The first folder of a tar that is the root of an archive, from the top, and its layout.

    Raises
    ------
    InputFormatError
        If there is none.
    """
    among = BUILT_IN if given is None else (as_layout(given),)
    folders = [TarFolder(tar, "", tree)]
    for folder in folders:
        if layout := recognised(folder, among):
            return folder, layout
        if folder.way.count("/") < _DEEPEST and len(folders) < _MOST_FOLDERS:
            names = [name for name, found in folder.content.items() if isinstance(found, dict)]
            folders += [folder / name for name in sorted(names)[:_OF_A_FOLDER]]
    what = "a built-in layout" if given is None else f"the layout {as_layout(given).name}"
    raise InputFormatError(
        f"{tar}: expected the tar of an archive with {what}, but its first files are of none; it holds "
        f"{some_names([str(one.way) for one in folders[1:4]] or sorted(tree)[:3])}; describe its layout "
        "(docs/layouts.md), and name it with --layout"
    )


def patch_in_tar(
    tar: Path, patch_id: str, given: LayoutLike = None
) -> tuple[TarFolder, PatchFolder]:
    """The archive in a plain tar, with the files of one patch alone, and that patch.

    All headers of the tar are read, but no other content.

    Raises
    ------
    MissingInputError
        If no member of the tar is named like the patch.
    """
    tree: Tree = {}
    with open_tar(tar, hop=True) as stream:
        for member in stream.members():
            parts = member.parts
            if parts and patch_id in "_".join(parts) and not member.is_folder:
                content = TarContent(tar, "/".join(parts), member.position)
                planted(tree, parts[:-1])[parts[-1]] = member.why_closed or content
    if not tree:
        raise MissingInputError(
            f"{tar}: expected the patch {patch_id} in the tar, but there is none"
        )
    root, layout = archive_in_tar(tar, tree, given)
    return root, patch_named(root, patch_id, layout)


class TarPlaces:
    """Tells what each member of a tar is in an archive.

    Attributes
    ----------
    root : TarFolder
        The archive, with all its folders and other files, but not the files of bands in folders.
    patches : list of PatchFolder
        As they were met.
    closed : dict of str to str
        Names of members that are no part of the archive, and why.
    """

    def __init__(self, root: TarFolder, layout: Layout) -> None:
        self.root = TarFolder(root.tar, root.way, {})
        self.patches: list[PatchFolder] = []
        self.closed: dict[str, str] = {}
        self._top = root.way.split("/") if root.way else []
        self._tree = planted(self.root.tree, self._top)
        self._layout = layout
        self._numbers: dict[tuple[str, ...], int | None] = {}
        self._columns: dict[int, dict[str, int]] = {}

    def find(self, member: TarMember) -> tuple[int, int, str | None] | None:
        """Number of the patch and of its file that a member is, and what it is if it is no file."""
        parts, top = member.parts, len(self._top)
        if parts is None:
            self.closed[member.name] = _LEADS_OUT
            return None
        if parts[:top] != self._top:
            if parts != self._top[: len(parts)]:
                self.closed[parts[0]] = f"lies beside {self.root.way}, which was scanned"
            return None
        below, depth = parts[top:], self._layout.depth
        folder, names = below[:depth], below[depth:]
        what = "a folder" if len(names) > 1 or member.is_folder else member.why_closed
        if self._layout.one_file or not names:
            return self._in_tree(folder, names, what)
        number = self._number(folder, folder[-1])
        if number is None:
            return None
        column = self._columns_of(number).get(names[0])
        if column is None:
            planted(self._tree, folder)[names[0]] = what
            return None
        return number, column, what

    def _in_tree(
        self, folder: list[str], names: list[str], what: str | None
    ) -> tuple[int, int, str | None] | None:
        """Note a folder, or a file beside folders; which patch it is, where a file holds all bands."""
        way = [*folder, *names[:1]]
        if not way:
            return None
        if what == "a folder":
            planted(self._tree, way)
            return None
        planted(self._tree, way[:-1])[way[-1]] = what
        patch = self._layout.patch_of_file(way[-1]) if names and what is None else None
        number = self._number(folder, patch) if patch else None
        return None if number is None else (number, 0, None)

    def _number(self, folder: list[str], name: str) -> int | None:
        """Number of a patch; None in hidden folders."""
        key = (*folder, name)
        if key not in self._numbers:
            planted(self._tree, folder)
            self._numbers[key] = None if any(map(is_hidden, folder)) else len(self.patches)
            if self._numbers[key] is not None:
                above = folder if self._layout.one_file else folder[:-1]
                self.patches.append(patch_below(self._layout, "/".join(above), name))
        return self._numbers[key]

    def _columns_of(self, number: int) -> dict[str, int]:
        if number not in self._columns:
            if len(self._columns) >= _KEPT:
                self._columns.clear()
            patch = self.patches[number]
            files = self._layout.band_files(patch.name, patch.product)
            self._columns[number] = {name: column for column, name in enumerate(files)}
        return self._columns[number]
