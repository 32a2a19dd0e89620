"""Read patches from the Arrow files of a pack."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, TypeGuard

from benkit.datasets.arrays.file_index import FileIndex
from benkit.datasets.arrays.patch_reader import Bands
from benkit.datasets.packs.arrow_file import ArrowFile, pack_file_name
from benkit.errors import InputFormatError
from benkit.files.remote.location import Location


def is_pack(root: Location) -> TypeGuard[Path]:
    """Whether a folder holds the Arrow files of a pack, of which the first may be lost."""
    return isinstance(root, Path) and any((root / pack_file_name(i)).exists() for i in (0, 1))


class PackReader:
    """Reads patches of a pack, as `PatchReader` does those of an archive; files stay mapped.

    Parameters
    ----------
    index : FileIndex
        Of the inventory beside the pack.
    root : Path
        The folder of its Arrow files.
    """

    def __init__(self, index: FileIndex, root: Path) -> None:
        self.index, self.root = index, root
        self._files: dict[int, ArrowFile] = {}
        first = self._file(0)
        self._per_file = first.per_file
        if len(index) and int(index.places.max()) >= first.patches:
            raise InputFormatError(
                f"{root}: expected a pack of the patches of the inventory, but it has only "
                f"{first.patches:,}; give the inventory that lies beside the pack"
            )

    def read(self, row: int) -> Bands:
        """The bands of one patch.

        Raises
        ------
        MissingInputError, InputFormatError
            If a file is not there, is damaged, or has another patch in that place.
        """
        number, place = divmod(int(self.index.places[row]), self._per_file)
        return self._file(number).bands(place, self.index.patch_ids[row].as_py())

    def read_many(self, rows: Sequence[int], executor: Executor | None = None) -> Iterator[Bands]:
        """The bands of several patches, at the same time with an executor."""
        return map(self.read, rows) if executor is None else executor.map(self.read, rows)

    def _file(self, number: int) -> ArrowFile:
        file = self._files.get(number)
        if file is None:
            path = self.root / pack_file_name(number)
            file = self._files[number] = ArrowFile(path, self.index.layout, self.index.bands)
        return file

    def __getstate__(self) -> dict[str, Any]:
        """Without mapped files: another process maps its own."""
        return {**self.__dict__, "_files": {}}
