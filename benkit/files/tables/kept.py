"""Tables of many batches, which in memory take little, however many there are."""

import mmap
from collections.abc import Iterable
from tempfile import TemporaryFile

import pyarrow as pa

_MOST_IN_MEMORY = 2**28  # bytes


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
    return pa.ipc.open_file(pa.py_buffer(pages)).read_all()
