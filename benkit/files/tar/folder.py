"""A folder in a tar, by what was seen of its members."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Self, Union

from benkit.errors import MissingInputError
from benkit.files.tar.read_at import TarContent

TarEntry = Union["Tree", TarContent, bytes, str, None]
Tree = dict[str, TarEntry]
"""What lies in a folder, by name: folders, files (with their content, or where it is, if somebody asks
for it), and why something is neither."""

NOTHING = "nothing"


@dataclass(frozen=True)
class TarFolder:
    """A folder or file in a tar; it answers what a path does.

    Attributes
    ----------
    tar : Path
    way : str
        From the root of the tar to it, with ``/``.
    tree : Tree
        The content of the tar's root.
    """

    tar: Path
    way: str
    tree: Tree = field(repr=False, compare=False)

    def __str__(self) -> str:
        """The way to it, as if the tar were a folder."""
        return f"{self.tar}/{self.way}" if self.way else str(self.tar)

    def __truediv__(self, name: str) -> Self:
        """What lies under a name in this folder."""
        return type(self)(self.tar, f"{self.way}/{name}" if self.way else name, self.tree)

    @property
    def content(self) -> Tree:
        """What lies in it; nothing if it is no folder."""
        found = self.entry
        return found if isinstance(found, dict) else {}

    @property
    def entry(self) -> TarEntry:
        """What it is: ``NOTHING`` if it is not there."""
        found: TarEntry = self.tree
        for part in self.way.split("/") if self.way else ():
            if not isinstance(found, dict) or part not in found:
                return NOTHING
            found = found[part]
        return found

    def is_dir(self) -> bool:
        """Whether it is a folder."""
        return isinstance(self.entry, dict)

    def is_file(self) -> bool:
        """Whether it is a file."""
        return not isinstance(self.entry, dict | str)

    def exists(self) -> bool:
        """Whether it is a folder or a file."""
        return self.is_dir() or self.is_file()

    def resolve(self) -> Self:
        """The folder itself: no link in a tar is followed."""
        return self

    def read_bytes(self, at_most: int) -> bytes:
        """All bytes of the file."""
        found = self.entry
        if isinstance(found, TarContent):
            return found.read_bytes(at_most)
        if not isinstance(found, bytes):
            raise MissingInputError(f"{self}: expected a file in the tar, but there is none")
        return found


def planted(tree: Tree, parts: list[str]) -> Tree:
    """The folder at the end of a way, which is made where there is none."""
    for part in parts:
        below = tree.get(part)
        if not isinstance(below, dict):
            below = tree[part] = {}
        tree = below
    return tree
