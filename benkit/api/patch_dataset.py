"""Patches as arrays for training, straight from the files of an archive."""

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import chain
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from benkit.api.inputs.patch_files import (
    chosen_bands,
    joined_indices,
    open_scanned,
    reader_of,
    wanted_patches,
    without_findings,
)
from benkit.api.inputs.places import known_metadata
from benkit.api.inputs.sources import MetadataLike, SplitLike, TableLike
from benkit.api.stats import stats
from benkit.archive.listing import PatchFolder
from benkit.datasets.arrays.file_index import FileIndex
from benkit.datasets.arrays.images import Images, MeanStd, Normalise, means_and_stds
from benkit.datasets.arrays.patch_reader import Bands
from benkit.datasets.arrays.resample import Resampling
from benkit.datasets.arrays.targets import class_numbers, classes_of, multi_hot, read_target
from benkit.errors import OptionError
from benkit.files.remote.location import LocationLike, as_location, as_path
from benkit.inventory.table.in_tar import require_tar_of
from benkit.inventory.table.inventory_file import Inventory
from benkit.option_types import with_option_types
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
        as they are; a band that is missing or unreadable is an error when it is read. Wanted patches
        that the inventory does not have are skipped, too, or an error.
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

    @with_option_types
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
            archives = [(open_scanned(opened, of), as_location(root)) for of, root in sources]
            for one, root in archives:
                require_tar_of(one, root)
            found = [one for one, _ in archives]
            of_archives = chosen_bands(found, bands)
            wanted = wanted_patches(patches, sides, side)
            skip = findings == "skip"
            indices, absent = joined_indices(found, of_archives, wanted, known, skip=skip)
            indices, flawed = without_findings(indices, findings)
            self.skipped = absent + flawed
            normal = [
                _normal(normalise, one, index, sides)
                for one, index in zip(found, indices, strict=True)
            ]
        self.bands = tuple(chain.from_iterable(of_archives))
        self.size, self.threads = size, threads
        self._parts = [
            (reader_of(index, root), Images(index.bands, size, resampling, own))
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
        """Several patches, at the same time where there are threads or files are remote.

        Their images may lie in one array, which then lives as long as one of them.
        """
        numbers = [self._row(row) for row in rows]
        executor = self._pool() if self.threads > 1 and len(numbers) > 1 else None
        made = [
            zip(reader.read_many(numbers, executor), images.room(len(numbers)), strict=True)
            for reader, images in self._parts
        ]
        return [self._item(row, *read) for row, *read in zip(numbers, *made, strict=True)]

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

    def _item(self, row: int, *read: tuple[Bands, NDArray | None]) -> Item:
        item: Item = {"patch_id": self._ids[row].as_py()}
        for name, (reader, images), part in zip(("image", "s1"), self._parts, read, strict=False):
            index, (bands, room) = reader.index, part
            values = (index.kinds[kind].nodata for kind in index.kind[row].tolist())
            item[name] = images.of(bands, list(values) if index.flawed[row] else None, room)
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
    if not isinstance(values[0], np.ndarray):
        return values
    whole = values[0].base  # which images of a batch may have been put into
    shape = (len(values), *values[0].shape)
    return whole if getattr(whole, "shape", None) == shape else np.stack(values)
