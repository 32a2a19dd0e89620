"""LMDB files as rico-hdl writes them: a key a patch, its id; the value a safetensors of its bands [1]_.

Values come from worker processes, and one process writes them in the order of their keys, so that the
same patches give the same bytes.

References
----------
.. [1] https://github.com/kai-tub/rico-hdl
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from benkit.datasets.arrays.patch_reader import Bands
from benkit.datasets.packs.pack_part import PackPart
from benkit.domain.layout import Layout
from benkit.engine import Engine, run
from benkit.errors import InputFormatError, OptionError, OutputError, broken_import
from benkit.files.safe_names import some_names

LMDB_FILE = "data.mdb"
PATCHES_PER_VALUES = 100
"""Of so many patches one worker makes the values at a time."""

PARTS_PER_COMMIT = 16
"""So many times as many patches are safe on the disk at once."""

_PAGE, _LONGEST_KEY, _ROOM = 4096, 511, 2**24  # bytes


def require_lmdb() -> None:
    """Refuse, before any work, where the libraries of the extra are not installed."""
    try:
        import lmdb  # noqa: F401
        import safetensors.numpy  # noqa: F401
    except ImportError as error:
        raise OptionError(
            f"--format lmdb: {broken_import(error)}; pip install benkit[lmdb]"
        ) from None


def require_keys(patch_ids: Sequence[str], name: str) -> None:
    """Refuse ids, sorted, that cannot be keys; ``name`` is the inventory's."""
    twice = [one for one, other in pairwise(patch_ids) if one == other]
    if twice:
        raise InputFormatError(
            f"{name}: expected each patch id once for --format lmdb, whose keys they are, but "
            f"{some_names(twice[:1])} comes twice; choose other patches, or --format arrow"
        )
    if long := [one for one in patch_ids if len(one.encode()) > _LONGEST_KEY]:
        raise InputFormatError(
            f"{name}: expected patch ids of at most {_LONGEST_KEY} bytes for --format lmdb, but "
            f"{some_names(long[:1])} is longer; choose --format arrow"
        )


def write_lmdb(
    folder: Path, parts: Sequence[PackPart], layout: Layout, engine: Engine | None
) -> Iterator[int]:
    """Write those patches that are not there yet, in the order of their ids.

    Parameters
    ----------
    parts : sequence of PackPart
        Of `PATCHES_PER_VALUES` patches each, but for the last.

    Yields
    ------
    int
        How many patches are written.
    """
    size = _map_size(layout, sum(map(len, parts)))
    with _environment(folder, map_size=size) as environment:
        done = environment.stat()["entries"]
    waiting = parts[-(-done // PATCHES_PER_VALUES) :]  # as each commit ends with a part
    made = run(lmdb_values, waiting, engine)
    for _ in range(0, len(waiting), PARTS_PER_COMMIT):
        # opened for each commit, as LMDB places pages otherwise where it has been open before
        with _environment(folder, map_size=size) as environment:
            with environment.begin(write=True) as transaction:
                for key, value in chain.from_iterable(islice(made, PARTS_PER_COMMIT)):
                    assert transaction.put(key, value, append=True), "keys ascend"
            done = environment.stat()["entries"]
        yield done


def require_same_lmdb(
    folder: Path, parts: Sequence[PackPart], engine: Engine | None
) -> Iterator[int]:
    """Refuse pixels, read back, that are not those of the inventory; yields patches as they are read."""
    try:
        yield from run(partial(_require_same, folder), parts, engine)
    except InputFormatError:
        (folder / LMDB_FILE).unlink()
        raise


def _require_same(folder: Path, part: PackPart) -> int:
    with _environment(folder, readonly=True) as environment:
        part.require_same(_bands_of(environment, part))
    return len(part)


def _bands_of(environment: Any, part: PackPart) -> Iterator[Bands]:
    import safetensors.numpy

    with environment.begin() as transaction:
        for patch in part.columns["patch_id"].to_pylist():
            found = safetensors.numpy.load(transaction.get(patch.encode()))
            yield [found[band] for band in part.reader.index.bands]


def lmdb_values(part: PackPart) -> list[tuple[bytes, bytes]]:
    """Keys and values of some patches."""
    ids = part.columns["patch_id"].to_pylist()
    names = part.reader.index.bands
    return [
        (patch.encode(), _value(dict(zip(names, bands, strict=True))))
        for patch, bands in zip(ids, part.bands(), strict=True)
    ]


def _value(bands: dict[str, np.ndarray]) -> bytes:
    import safetensors.numpy

    return safetensors.numpy.save(bands)


def _map_size(layout: Layout, patches: int) -> int:
    """Bytes that a file of so many patches has at most: its size is a number within it."""
    zeros = {
        name: np.zeros((band.height, band.width), band.dtype) for name, band in layout.bands.items()
    }
    pages = -(-len(_value(zeros)) // _PAGE) + 2
    return patches * pages * _PAGE + _ROOM


@contextmanager
def _environment(folder: Path, **options: Any) -> Iterator[Any]:
    """The LMDB of a folder, which nobody else writes."""
    import lmdb

    try:
        with lmdb.open(str(folder), lock=False, **options) as environment:
            yield environment
    except lmdb.Error as error:
        raise OutputError(
            f"{folder / LMDB_FILE}: cannot be written: {error}; make room on the disk, or remove the "
            "file, and give the same command again"
        ) from None
