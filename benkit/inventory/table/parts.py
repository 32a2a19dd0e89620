"""An inventory in parts: a folder with a Parquet file a product, and one that names them all.

The name of a part ends with a fingerprint of its bytes, so that a part that has changed gets a file of
its own. The file `HEAD` names the parts that are the inventory, and holds the rows that are of no
product; it is replaced in one step. So whoever reads sees the old inventory or the new one, and files
that it does not name, which a scan that was killed may have left, are none of it.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benkit.errors import BenkitError, InputFormatError, MissingInputError, OptionError, OutputError
from benkit.files.remote.in_parallel import in_parallel
from benkit.files.remote.location import Location, LocationLike, as_location
from benkit.files.safe_names import require_single_name, some_names
from benkit.files.tar.stream import is_tar
from benkit.files.writing.staging import temporary_folder
from benkit.files.writing.transfer import downloaded

HEAD = "inventory-parts.parquet"
"""Name of the file that names the parts."""

PART_SUFFIX = ".part.parquet"
_PARTS = "benkit:parts"
_LONGEST = 80  # characters of a product in the name of its part


@dataclass(frozen=True)
class Part:
    """The rows of a product in a file of their own."""

    product: str
    file: str
    rows: int
    bytes: int

    @classmethod
    def of(cls, product: str, rows: int, path: Path) -> "Part":
        """The part that a file holds; of its name, which tells its content."""
        with path.open("rb") as file:
            content = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=8)).hexdigest()
        # some tools take no files whose names begin otherwise
        shown = re.sub("[^A-Za-z0-9._-]", "_", product).lstrip("._-")[:_LONGEST] or "product"
        return cls(product, f"{shown}-{content}{PART_SUFFIX}", rows, path.stat().st_size)


@dataclass(frozen=True)
class PartChanges:
    """Products whose parts a scan has added, written anew, dropped and left as they were."""

    new: tuple[str, ...]
    changed: tuple[str, ...]
    dropped: tuple[str, ...]
    unchanged: tuple[str, ...]

    @classmethod
    def between(cls, old: Mapping[str, Part], new: Mapping[str, Part]) -> "PartChanges":
        """What differs between the parts of two inventories, each by product."""
        both = [product for product in new if product in old]
        return cls(
            tuple(product for product in new if product not in old),
            tuple(product for product in both if new[product] != old[product]),
            tuple(product for product in old if product not in new),
            tuple(product for product in both if new[product] == old[product]),
        )


def is_in_parts(output: Location) -> bool:
    """Whether an inventory of this name is a folder of parts: its name says no file."""
    return output.suffix != ".parquet"


def holds_parts(where: Location) -> bool:
    """Whether there is an inventory in parts."""
    return is_in_parts(where) and (where / HEAD).is_file()


def is_archive(where: Location) -> bool:
    """Whether there is an archive, a folder or a tar, and no inventory."""
    return (where.is_dir() and not holds_parts(where)) or is_tar(where)


def head_of(inventory: Path) -> Path:
    """The file of an inventory that tells of all: of one in parts that which names them."""
    return inventory / HEAD if holds_parts(inventory) else inventory


def parts_of(head: Path) -> tuple[Part, ...]:
    """The parts that a head names, in the order of their rows; none of a whole inventory."""
    if head.name != HEAD:
        return ()
    found = pq.read_metadata(head).metadata or {}
    try:
        parts = tuple(Part(*values) for values in json.loads(found[_PARTS.encode()]))
        for part in parts:
            require_single_name(part.file)
    except (KeyError, ValueError, TypeError):
        raise InputFormatError(
            f"{head}: expected the names of the parts of an inventory, as `benkit scan` writes them, "
            "but they cannot be read; scan the archive again"
        ) from None
    return parts


def naming_parts(parts: Mapping[str, Part]) -> dict[str, str]:
    """The metadata of a head that names these parts."""
    named = [[part.product, part.file, part.rows, part.bytes] for part in parts.values()]
    return {_PARTS: json.dumps(named, separators=(",", ":"))}


def files_of_inventory(inventory: Path) -> tuple[Path, ...]:
    """The files of an inventory in the order of their rows; each part is there and of its length.

    Raises
    ------
    MissingInputError
        If a part is not there.
    InputFormatError
        If one is not the file that the scan wrote.
    """
    head = head_of(inventory)
    files = [head]
    for part in parts_of(head):
        path = head.with_name(part.file)
        if not path.is_file():
            what = "it is no file" if path.exists() else "there is no such file"
            raise MissingInputError(
                f"{path}: expected this part of the inventory {head.parent}, which {HEAD} names, but "
                f"{what}; copy the whole folder again, or scan the archive again"
            )
        if (size := path.stat().st_size) != part.bytes:
            raise InputFormatError(
                f"{path}: expected the part of the inventory {head.parent} that the scan wrote, of "
                f"{part.bytes:,} bytes, but it has {size:,}; copy it again, or scan the archive again"
            )
        files.append(path)
    return tuple(files)


def name_of_file(file: Path, inventory: Path, name: str) -> str:
    """What errors call a file of an inventory, which has a name of its own in errors."""
    if file == inventory:
        return name
    return f"{name.removesuffix(f'/{HEAD}')}/{file.name}"


def damaged_file(files: Sequence[Path], said: str) -> Path:
    """The file of an inventory that an error names, else the first that cannot be read to its end."""
    for file in files:
        if str(file) in said:
            return file
    for file in files if len(files) > 1 else ():
        try:
            for _ in pq.ParquetFile(file).iter_batches():
                pass
        except (pa.ArrowException, OSError, UnicodeDecodeError):
            return file
    return files[0]


@contextmanager
def downloaded_inventory(where: Location) -> Iterator[Path]:
    """An inventory on this machine: as `downloaded`, of one in parts with all of them."""
    if isinstance(where, Path) or not holds_parts(where):
        with downloaded(where) as path:
            yield path
        return
    with temporary_folder() as folder:

        def fetch(name: str) -> None:
            with downloaded(where / name) as path:
                shutil.move(path, folder / name)

        fetch(HEAD)
        in_parallel(fetch, [part.file for part in parts_of(folder / HEAD)])
        yield folder


def parts_by_product(inventory: Path) -> dict[str, Part]:
    """The parts of an inventory that may be there; none where it cannot be read."""
    try:
        return {part.product: part for part in parts_of(head_of(inventory))}
    except (OSError, BenkitError, pa.ArrowException):
        return {}


def inventory_output(output: LocationLike, *, append: bool = False) -> Location:
    """Where an inventory can be written: a .parquet file, or a folder, whose name has no suffix.

    A name with a suffix is that of a folder if it ends with a slash, or holds an inventory in parts.

    Raises
    ------
    OptionError
        If the name says something else, is that of a remote folder, or for ``append`` that of a file.
    OutputError
        If there is something else.
    """
    where = as_location(output)
    if append and (where.suffix == ".parquet" or not isinstance(where, Path)):
        raise OptionError(
            f"{where}: --append expects a folder on this machine, with a file for each product; of an "
            "inventory in one file the same command without it reads only what has changed, too"
        )
    ends_with_slash = isinstance(output, str) and output.endswith("/")
    if where.suffix == ".parquet":
        return where
    if not isinstance(where, Path):
        raise OptionError(
            f"{where}: expected a name that ends with .parquet; an inventory in parts is written on "
            "this machine, and can be copied to where it is read"
        )
    if where.suffix and not ends_with_slash and not holds_parts(where):
        raise OptionError(
            f"{where}: expected a name that ends with .parquet, or with / for a folder of parts"
        )
    if where.is_dir() and not holds_parts(where):
        found = sorted(one for one in os.listdir(where) if not one.endswith(PART_SUFFIX))
        if found:
            raise OutputError(
                f"{where}: expected an empty folder, or an inventory in parts, but there is "
                f"{some_names(found[:3])}; name another folder, or a .parquet file"
            )
    elif where.exists() and not where.is_dir():
        raise OutputError(
            f"{where}: expected a folder for the parts of an inventory, but there is a file; name "
            "another folder, or a .parquet file"
        )
    return where
