"""Patches as arrays for training, straight from the files of an archive."""

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benkit.api.inputs.places import known_metadata
from benkit.api.inputs.sources import (
    MetadataLike,
    SplitLike,
    TableLike,
    as_patch_ids,
    is_location,
    open_source,
)
from benkit.api.stats import stats
from benkit.archive.listing import PatchFolder
from benkit.datasets.arrays.file_index import FileIndex, index_files
from benkit.datasets.arrays.images import Images, MeanStd, Normalise, means_and_stds
from benkit.datasets.arrays.patch_reader import PatchReader
from benkit.datasets.arrays.resample import Resampling
from benkit.datasets.arrays.tar_patch_reader import patch_reader
from benkit.datasets.arrays.targets import class_numbers, classes_of, multi_hot, read_target
from benkit.datasets.packs.lmdb_file import LMDB_FILE
from benkit.datasets.packs.pack_reader import PackReader, is_pack
from benkit.errors import InputFormatError, OptionError
from benkit.files.remote.location import Location, LocationLike, as_location, as_path
from benkit.files.safe_names import some_names
from benkit.files.tar.stream import is_tar
from benkit.inventory.table.in_tar import require_tar_of
from benkit.inventory.table.inventory_file import Inventory
from benkit.metadata.metadata import Metadata
from benkit.splits.split import Split

Item = dict[str, Any]
"""``patch_id``, ``image``, and what else was asked for."""


class PatchDataset:
    """Patches of an archive as arrays: a data set with a length, which any data loader takes.

    Files are read where the inventory says that their pixels begin, without parsing them. A PyTorch
    ``DataLoader``, or any other that asks for items by number, takes it as it is; it can be sent to
    worker processes and used by several threads at a time.

    Parameters
    ----------
    inventory : path, URL or Inventory
        Of the archive, as `benkit.scan` writes it.
    archive : path or URL
        The folder that was scanned, or the plain tar; or the folder of the Arrow files of a pack (see
        `benkit.export`), beside which its inventory lies.
    patches : path, URL, table or iterable of str, optional
        Only these, in this order; default all, by product and patch.
    split : path, URL, Split, table or mapping, optional
        Only the patches of one side of this split.
    side : {"train", "validation", "test"}
        Which one.
    bands : sequence of str, optional
        Which bands, in this order; default those of the layout, and those of ``s1``.
    size : int, optional
        Rows and columns to which all bands are brought; default each band as it is.
    resampling : {"nearest", "bilinear"}
        How.
    normalise : "train", Statistics or mapping of str to (float, float), optional
        Subtract the mean and divide by the standard deviation of each band: of the train side of the
        split, or as given. Pixels without a measurement become 0, the mean.
    labels : path, URL, Metadata or table, optional
        Metadata with labels; or the inventory of an archive whose folders tell classes.
    order : {"nomenclature", "alphabetical"}, optional
        Order of the classes (see `benkit.class_order`), which must be said with labels or maps.
    s1 : (inventory, archive), optional
        The sister archive, whose patches the metadata of ``labels`` name (in ``s1_name``).
    maps : path, optional
        Folder of reference maps, ``<maps>/<product>/<patch id>/<patch id>_reference_map.tif``.
    findings : {"refuse", "skip", "allow"}
        What to do about patches of which one of the bands is missing, unreadable, of another size, type
        or NO_DATA value than the layout has, or has pixels without a measurement. Allowed ones are read
        as they are; a band that is missing or unreadable is an error when it is read.
    threads : int
        How many patches of a batch are read at the same time; more than one is worth while where files
        are far away. Remote files are always read many at a time.

    Attributes
    ----------
    patch_ids : tuple of str
    bands : tuple of str
        Those of the images.
    classes : tuple of str or None
        What the columns of the labels mean, and the numbers of pixels in targets.
    skipped : int
        How many patches were left out for their findings.

    Raises
    ------
    OptionError
        If options do not go together.
    InputFormatError
        If patches have findings and these are refused, or a patch is in none of the inventory, the
        metadata, or the sister archive.

    Examples
    --------
    >>> dataset = PatchDataset("inventory.parquet", "BigEarthNet-S2", size=120)  # doctest: +SKIP
    >>> dataset[0]["image"].shape  # doctest: +SKIP
    (12, 120, 120)
    """

    def __init__(
        self,
        inventory: LocationLike | Inventory,
        archive: LocationLike,
        *,
        patches: TableLike | Iterable[str] | None = None,
        split: SplitLike | None = None,
        side: str = "train",
        bands: Sequence[str] | None = None,
        size: int | None = None,
        resampling: Resampling = "nearest",
        normalise: Normalise = None,
        labels: MetadataLike | None = None,
        order: str | None = None,
        s1: tuple[LocationLike | Inventory, LocationLike] | None = None,
        maps: str | os.PathLike[str] | None = None,
        findings: Literal["refuse", "skip", "allow"] = "refuse",
        threads: int = 1,
    ) -> None:
        """Find the files of the patches; no file of the archive is opened yet."""
        _check_options(
            size,
            resampling,
            order,
            findings,
            threads,
            wants_order=not (labels is None and maps is None),
        )
        known = None if labels is None else known_metadata(labels)
        sides = None if split is None else Split(split)
        with ExitStack() as opened:
            sources = [(inventory, archive)] if s1 is None else [(inventory, archive), s1]
            archives = [(_open(opened, of), as_location(root)) for of, root in sources]
            for one, root in archives:
                require_tar_of(one, root)
            found = [one for one, _ in archives]
            of_archives = _chosen_bands(found, bands)
            indices = _joined_indices(found, of_archives, _wanted(patches, sides, side), known)
            indices, self.skipped = _without_findings(indices, findings)
            normal = [
                _normal(normalise, one, index, sides)
                for one, index in zip(found, indices, strict=True)
            ]
        self.bands = tuple(chain.from_iterable(of_archives))
        self.size, self.threads = size, threads
        self._parts = [
            (_reader(index, root), Images(index.bands, size, resampling, own))
            for index, (_, root), own in zip(indices, archives, normal, strict=True)
        ]
        self._ids = indices[0].patch_ids
        self.classes = None if order is None else classes_of(known, order)
        self._hot = None
        if known is not None and self.classes is not None:
            self._hot = multi_hot(known.select(self._ids.to_pylist()), self.classes)
        self._maps = None if maps is None else as_path(maps)
        self._numbers = None if order is None else class_numbers(order)
        self._executor: tuple[int, ThreadPoolExecutor] | None = None

    def __len__(self) -> int:
        """Number of patches."""
        return len(self._ids)

    def __repr__(self) -> str:
        """How many patches, and what an image is."""
        shape = "own sizes" if self.size is None else f"{self.size} x {self.size}"
        return f"PatchDataset: {len(self):,} patches, {len(self.bands)} bands, {shape}"

    def __getitem__(self, row: int) -> Item:
        """One patch.

        Returns
        -------
        dict
            ``patch_id``: str. ``image``: (bands, size, size) array, float32 where it is normalised or
            bilinear, else in the data type of the files (digital numbers, decibels); without a size a
            dict of (height, width) arrays by band. ``s1``: the same of the sister archive. ``labels``:
            (classes,) float32, 1 or 0. ``target``: (height, width) uint8, numbers of ``classes`` and
            19 of pixels in no class.

        Raises
        ------
        IndexError
            If there is no such patch.
        MissingInputError, InputFormatError, RasterError
            If a file is not there, is no longer the one that was scanned, or cannot be read.
        """
        return self.__getitems__([row])[0]

    def __getitems__(self, rows: Sequence[int]) -> list[Item]:
        """Several patches, at the same time where there are threads or files are remote."""
        numbers = [self._row(row) for row in rows]
        executor = self._pool() if self.threads > 1 and len(numbers) > 1 else None
        read = [reader.read_many(numbers, executor) for reader, _ in self._parts]
        made = [(row, *bands) for row, *bands in zip(numbers, *read, strict=True)]
        return [self._item(*one) for one in made]

    def batch(self, rows: Sequence[int]) -> Item:
        """Several patches with the arrays of all put together: (patches, ...) each."""
        items = self.__getitems__(rows)
        return {
            name: _stacked([item[name] for item in items]) for name in (items[0] if items else ())
        }

    def __iter__(self) -> Iterator[Item]:
        """All patches, one after the other."""
        return map(self.__getitem__, range(len(self)))

    @property
    def patch_ids(self) -> tuple[str, ...]:
        """Their ids, in order."""
        return tuple(self._ids.to_pylist())

    def _row(self, row: int) -> int:
        count = len(self)
        if not -count <= row < count:
            raise IndexError(f"expected the number of one of {count:,} patches, but it is {row}")
        return int(row) % count

    def _item(self, row: int, *read: list[NDArray]) -> Item:
        item: Item = {"patch_id": self._ids[row].as_py()}
        for name, (reader, images), bands in zip(("image", "s1"), self._parts, read, strict=False):
            index = reader.index
            values = (index.kinds[kind].nodata for kind in index.kind[row].tolist())
            item[name] = images.of(bands, list(values) if index.flawed[row] else None)
        if self._hot is not None:
            item["labels"] = self._hot[row].astype(np.float32)
        if self._maps is not None and self._numbers is not None:
            index = self._parts[0][0].index
            patch = PatchFolder(index.products[row].as_py(), item["patch_id"], index.layout)
            item["target"] = read_target(self._maps, patch, self._numbers, self.size)
        return item

    def _pool(self) -> ThreadPoolExecutor:
        """Threads of this process: those of another did not come with a fork."""
        if self._executor is None or self._executor[0] != os.getpid():
            self._executor = os.getpid(), ThreadPoolExecutor(self.threads, "benkit-read")
        return self._executor[1]

    def __getstate__(self) -> dict[str, Any]:
        """Without threads, which no other process can have."""
        return {**self.__dict__, "_executor": None}


def _check_options(
    size: int | None,
    resampling: str,
    order: str | None,
    findings: str,
    threads: int,
    *,
    wants_order: bool,
) -> None:
    for name, value, possible in (
        ("resampling", resampling, ("nearest", "bilinear")),
        ("findings", findings, ("refuse", "skip", "allow")),
    ):
        if value not in possible:
            raise OptionError(
                f"expected {name} as one of {', '.join(possible)}, but it is {value!r}"
            )
    if size is not None and size < 1:
        raise OptionError(f"expected a size of at least 1 pixel, but it is {size}")
    if threads < 1:
        raise OptionError(f"expected at least 1 thread, but there are {threads}")
    if wants_order and order is None:
        raise OptionError(
            "expected the order of the classes, nomenclature or alphabetical, beside labels or maps: "
            "models and their weights depend on it"
        )


def _open(opened: ExitStack, source: LocationLike | Inventory) -> Inventory:
    """An inventory, while ``opened`` is; an archive that was not scanned is an error."""
    where = as_location(source) if is_location(source) else None
    if where is not None and (where.is_dir() or is_tar(where)):
        kind = "a folder" if where.is_dir() else "a tar"
        raise OptionError(
            f"{source}: expected an inventory, but it is {kind}; scan it first: "
            f"benkit scan {source} --output inventory.parquet"
        )
    return opened.enter_context(open_source(source))


def _reader(index: FileIndex, root: Location) -> PatchReader | PackReader:
    """What reads the files of an archive, or of a pack."""
    if isinstance(root, Path) and (root / LMDB_FILE).is_file():
        raise OptionError(
            f"{root}: expected the folder of an archive, or of the Arrow files of a pack, but it is an "
            "LMDB; export with --format arrow, or read the archive itself"
        )
    return PackReader(index, root) if is_pack(root) else patch_reader(index, root)


def _chosen_bands(
    inventories: Sequence[Inventory], bands: Sequence[str] | None
) -> list[tuple[str, ...]]:
    """The bands of each archive, those that are asked for in their order."""
    names = [one.layout.band_names for one in inventories]
    if bands is None:
        return names
    every = [name for of_one in names for name in of_one]
    unknown = [band for band in bands if band not in every]
    if unknown or len(set(bands)) < len(bands) or not bands:
        raise OptionError(
            f"expected some of the bands {', '.join(every)}, each once, but they are "
            f"{', '.join(map(str, bands)) or 'none'}"
        )
    chosen = [tuple(band for band in bands if band in of_one) for of_one in names]
    if not all(chosen):
        lacking = inventories[chosen.index(())].name
        raise OptionError(f"{lacking}: expected a band of it too, but none is asked for")
    return chosen


def _wanted(
    patches: TableLike | Iterable[str] | None, sides: Split | None, side: str
) -> list[str] | None:
    if patches is not None and sides is not None:
        raise OptionError("expected patches or a split, not both")
    if sides is None:
        return None if patches is None else as_patch_ids(patches, "patches")
    of_side = sides.sides()
    if side not in of_side:
        raise OptionError(f"expected a side of the split, {', '.join(of_side)}, but it is {side!r}")
    return of_side[side]


def _joined_indices(
    inventories: Sequence[Inventory],
    bands: Sequence[tuple[str, ...]],
    wanted: list[str] | None,
    metadata: Metadata | None,
) -> list[FileIndex]:
    """The files of the wanted patches in each archive, in the same order."""
    first = index_files(inventories[0], bands[0])
    if wanted is not None:
        first = first.take(first.rows_of(wanted, inventories[0].name))
    if len(inventories) == 1:
        return [first]
    sister, column = inventories[1], inventories[0].layout.sister
    if column is None or sister.layout.name != column.layout:
        raise OptionError(
            f"{sister.name}: expected the inventory of a sister archive"
            f"{f' of the layout {column.layout}' if column else ''}, but its layout is "
            f"{sister.layout.name}"
        )
    if metadata is None or column.column not in metadata.table.column_names:
        raise OptionError(
            f"expected labels=metadata with the column {column.column}, which joins the patches of "
            "both archives"
        )
    own = metadata.select(first.patch_ids.to_pylist())
    names = own.table[column.column].cast(pa.string()).to_pylist()
    other = index_files(sister, bands[1])
    return [first, other.take(other.rows_of(names, sister.name))]


def _without_findings(indices: list[FileIndex], findings: str) -> tuple[list[FileIndex], int]:
    """The same without patches that have findings, if these are to be skipped, and their number."""
    flawed = np.logical_or.reduce([index.flawed for index in indices])
    count = int(flawed.sum())
    if not count or findings == "allow":
        return indices, 0
    if findings == "refuse":
        ids = indices[0].patch_ids.filter(pa.array(flawed))
        raise InputFormatError(
            f"expected patches without findings, but {count:,} of {len(flawed):,} have some, such as "
            f"{some_names(ids[:3].to_pylist())}; leave them out with findings='skip', or export the "
            "others with benkit export --exclude; benkit inspect shows what is wrong with one"
        )
    kept = np.flatnonzero(~flawed)
    return [index.take(kept) for index in indices], count


def _normal(
    normalise: Normalise, inventory: Inventory, index: FileIndex, sides: Split | None
) -> tuple[MeanStd, ...] | None:
    if normalise is None:
        return None
    if not isinstance(normalise, str):
        return means_and_stds(normalise, index.bands)
    if normalise != "train" or sides is None:
        raise OptionError(
            "expected normalise='train' beside a split, statistics or means and deviations by band, "
            f"but it is {normalise!r}{'' if sides else ' without a split'}"
        )
    return means_and_stds(stats(inventory, sides.sides()["train"]), index.bands)


def _stacked(values: list[Any]) -> Any:
    """Arrays of several items put together, those of each band; ids as they are."""
    if isinstance(values[0], dict):
        return {name: _stacked([value[name] for value in values]) for name in values[0]}
    return np.stack(values) if isinstance(values[0], np.ndarray) else values
