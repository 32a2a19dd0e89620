"""The official metadata and what they take as Parquet and as CSV."""

import io
import json
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import benkit
from benkit.metadata.metadata import Metadata
from course.inputs import METADATA, PROJECT


def metadata_facts(metadata: pa.Table) -> dict[str, Any]:
    summary = benkit.summary(metadata)
    return {
        "rows": len(metadata),
        "columns": metadata.num_columns,
        "seasons": dict(summary.seasons),
        "average_num_labels": float(summary.average_num_labels),
        "maximum_num_labels": summary.maximum_num_labels,
        "labels": len(Metadata(metadata).labels.names),
        "countries": len(pc.unique(metadata["country"])),
        "packages": len(tomllib.loads(PROJECT.read_text("utf-8"))["project"]["dependencies"]),
    }


class _Counting(io.FileIO):
    """A file that counts the bytes that are read from it."""

    count = 0

    def read(self, size: int | None = -1, /) -> bytes:
        content = super().read(-1 if size is None else size)
        self.count += len(content or b"")
        return content or b""

    def readinto(self, buffer: Any, /) -> int:
        size = super().readinto(buffer) or 0
        self.count += size
        return size


def parquet_facts() -> dict[str, Any]:
    """How the file is built, and what answering the season question reads of it."""
    layout = pq.ParquetFile(METADATA).metadata
    columns: dict[str, list[int]] = {}
    for group in range(layout.num_row_groups):
        for place in range(layout.num_columns):
            chunk = layout.row_group(group).column(place)
            sizes = columns.setdefault(chunk.path_in_schema.split(".")[0], [0, 0])
            sizes[0] += chunk.total_compressed_size
            sizes[1] += chunk.total_uncompressed_size
    clouds = [
        layout.row_group(group).column(layout.num_columns - 1).statistics
        for group in range(layout.num_row_groups)
    ]
    country = pq.read_table(METADATA, columns=["country"])["country"].to_pylist()
    with _Counting(METADATA) as file:
        ids = pq.ParquetFile(file, pre_buffer=False).read(["patch_id"])["patch_id"]
        read = file.count
    assert len(ids) == layout.num_rows, "the whole column is there"
    return {
        "bytes": METADATA.stat().st_size,
        "row_groups": layout.num_row_groups,
        "footer_bytes": layout.serialized_size + 8,
        "columns": {
            name: {"stored": stored, "plain": plain} for name, (stored, plain) in columns.items()
        },
        "patch_id_text_bytes": pc.sum(pc.binary_length(ids)).as_py(),
        "country_runs": 1 + sum(one != other for one, other in pairwise(country)),
        "with_dictionary": [
            layout.row_group(0).column(place).path_in_schema
            for place in range(layout.num_columns)
            if layout.row_group(0).column(place).has_dictionary_page
        ],
        "season_bytes": read,
        "cloud_column": layout.row_group(0).column(layout.num_columns - 1).path_in_schema,
        "cloud_least": min(one.min for one in clouds),
        "cloud_most": max(one.max for one in clouds),
        "cloud_nulls": sum(one.null_count for one in clouds),
    }


def csv_text(metadata: pa.Table, path: Path) -> None:
    """The metadata as CSV; a list becomes the text of a JSON array, which is our own agreement."""
    import pandas

    labels = [json.dumps(one) for one in metadata["labels"].to_pylist()]
    place = metadata.column_names.index("labels")
    frame: pandas.DataFrame = metadata.set_column(place, "labels", [labels]).to_pandas()
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_csv(path, index=False, lineterminator="\n")


def csv_facts(metadata: pa.Table, work: Path) -> dict[str, Any]:
    path = work / "formats" / "metadata.csv"
    csv_text(metadata, path)
    with_comma = [name for name in Metadata(metadata).labels.names if "," in name]
    first = metadata["labels"].to_pylist()
    wrong = sum(len(",".join(one).split(",")) != len(one) for one in first)
    return {
        "bytes": path.stat().st_size,
        "labels_with_comma": with_comma,
        "patches_wrong_if_joined": wrong,
    }
