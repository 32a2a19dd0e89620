"""Tables of many batches, which in memory take little, however many there are."""

import mmap
from collections.abc import Iterable, Iterator
from tempfile import TemporaryFile
from weakref import WeakSet

import pyarrow as pa

_MOST_IN_MEMORY = 2**28  # bytes
_pages: WeakSet[mmap.mmap] = WeakSet()  # of the temporary files


def kept_table(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> pa.Table:
    """A table of batches; of more than 256 MB in a temporary file, which nobody sees and goes with it.

    Examples
    --------
    >>> schema = pa.schema([("a", pa.int64())])
    >>> kept_table([pa.record_batch({"a": [1, 2]})], schema)["a"].to_pylist()
    [1, 2]
    """
    waiting: list[pa.RecordBatch] = []
    size = 0
    found = (
        one for batch in batches for one in pa.Table.from_batches([batch]).cast(schema).to_batches()
    )
    for batch in found:
        waiting.append(batch)
        size += batch.nbytes
        if size > _MOST_IN_MEMORY:
            break
    else:
        return pa.Table.from_batches(waiting, schema)
    with TemporaryFile(prefix="benkit-") as file:
        with pa.ipc.new_file(pa.PythonFile(file, "w"), schema) as writer:
            while waiting:
                writer.write_batch(waiting.pop(0))
            for batch in found:
                writer.write_batch(batch)
        file.flush()
        pages = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    _pages.add(pages)
    return pa.ipc.open_file(pa.py_buffer(pages)).read_all()


def slices_of(table: pa.Table, rows: int) -> Iterator[pa.Table]:
    """So many rows of a table at a time, once none of an empty one.

    What was read of temporary files is let go: it would count as memory until the table is gone.
    """
    for start in range(0, max(len(table), 1), rows):
        yield table.slice(start, rows)
        if hasattr(mmap, "MADV_DONTNEED"):
            for pages in _pages:
                pages.madvise(mmap.MADV_DONTNEED)
