"""What the ids and the metadata of patches tell, as one table to choose from."""

import re
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benkit.errors import OptionError, first_line
from benkit.files.safe_names import some_names
from benkit.files.tables.table import one_array
from benkit.ground.distance_plane import centre_degrees
from benkit.ground.footprints import are_patch_ids, locate
from benkit.metadata.metadata_file import EVERY_COLUMN
from benkit.metadata.patch_list import IdIndex, blocks_of

if TYPE_CHECKING:
    import duckdb

_CLOSED: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
    "lock_configuration": True,
}
_NAME = re.compile(r'"((?:[^"]|"")*)"|(\w+)')
_OF_ALL = {"columns", "patches"}  # with which SQL asks for all columns, as it does with * and #1
_SUBQUERY = '"class":"SUBQUERY"'


def columns_of(expression: str) -> set[str]:
    """The columns that a condition may look at, in small letters; `EVERY_COLUMN` where it may be any.

    Examples
    --------
    >>> sorted(columns_of('Country IS NOT NULL AND "cloud cover" < 5'))
    ['5', 'and', 'cloud cover', 'country', 'is', 'not', 'null']
    """
    found = _NAME.findall(expression)
    names = {(quoted.replace('""', '"') or plain).lower() for quoted, plain in found}
    asks_all = any(sign in expression for sign in "*#") or not _OF_ALL.isdisjoint(names)
    return names | {*EVERY_COLUMN} if asks_all else names


def where_holds(
    ids: pa.StringArray, metadata: pa.Table | None, expression: str
) -> NDArray[np.bool_]:
    """For which patches a condition is true over the columns of `described`: (n,) bool array.

    Some patches at a time, as what is told of all would take much memory.

    Raises
    ------
    OptionError
        If it is no condition (see `matching`).
    """
    index = None if metadata is None else IdIndex(one_array(metadata["patch_id"]))
    return np.concatenate(
        [matching(described(block, metadata, index), expression) for block in blocks_of(ids)]
    )


def described(
    ids: pa.StringArray, metadata: pa.Table | None = None, index: IdIndex | None = None
) -> pa.Table:
    """One row a patch: what its id tells, and the columns of the metadata beside it.

    From ids: ``product``, ``mission``, ``tile``, ``orbit``, ``date``, ``season``, ``longitude`` and
    ``latitude`` of the centre, null where an id is no patch id; a column of the metadata that has one
    of these names, in any case as in SQL, takes its place. Metadata is null for a patch that is not in
    it. ``index`` is that of the ids in the metadata, where it is known.
    """
    table = pa.table({"patch_id": ids})
    for name, values in _told(ids).items():
        table = table.append_column(name, values)
    if metadata is not None:
        rows = (index or IdIndex(one_array(metadata["patch_id"]))).rows(ids)
        own = [name for name in metadata.column_names if name != "patch_id"]
        taken = {name.lower() for name in own}
        table = table.drop_columns([name for name in table.column_names if name.lower() in taken])
        for name in own:
            table = table.append_column(name, metadata[name].take(rows))
    return table


def _told(ids: pa.StringArray) -> dict[str, pa.Array]:
    valid = are_patch_ids(ids)
    places = locate(ids.filter(pa.array(valid)))
    row = pa.array(np.cumsum(valid) - 1, mask=~valid)
    product = pa.array(places.product, pa.int32()).take(row)
    degrees = centre_degrees(places) if len(places) else np.empty((0, 2))
    of_product = {
        "product": pa.array([str(one) for one in places.products], pa.string()),
        "mission": pa.array([one.mission for one in places.products], pa.string()),
        "tile": pa.array([one.tile.name for one in places.products], pa.string()),
        "orbit": pa.array([one.orbit for one in places.products], pa.string()),
        "date": pa.array([one.sensing_start.date() for one in places.products], pa.date32()),
        "season": pa.array([one.season for one in places.products], pa.string()),
    }
    told = {name: values.take(product) for name, values in of_product.items()}
    centres = {"longitude": degrees[:, 0], "latitude": degrees[:, 1]}
    return told | {name: pa.array(values).take(row) for name, values in centres.items()}


def matching(table: pa.Table, expression: str) -> NDArray[np.bool_]:
    """For which rows a boolean SQL expression over the columns is true: (n,) bool array.

    DuckDB evaluates it, without access to files and without statements or subqueries.

    Raises
    ------
    OptionError
        If it is no such expression.

    Examples
    --------
    >>> matching(pa.table({"country": ["Austria", "Finland", None]}), "country = 'Austria'").tolist()
    [True, False, False]
    """
    import duckdb

    row = "_" * (1 + max(map(len, table.column_names)))  # a name that no column has
    rows = table.append_column(row, pa.array(np.arange(len(table))))
    chosen = np.zeros(len(table), bool)
    with duckdb.connect(config=_CLOSED) as connection:
        connection.register("patches", rows)
        try:
            # this takes one expression alone
            found = connection.table("patches").filter(expression)
            if _SUBQUERY in _tree(connection, expression):
                raise OptionError(f"--where {expression}: expected no query within the expression")
            (kind,) = connection.table("patches").project(f"({expression}\n)").types
            if str(kind) != "BOOLEAN":
                raise OptionError(
                    f"--where {expression}: expected a condition, such as country = 'Austria', but it "
                    f"is of the type {kind}"
                )
            chosen[[number for (number,) in found.project(row).fetchall()]] = True
        except duckdb.OutOfMemoryException as error:
            raise MemoryError(first_line(error)) from None
        except duckdb.Error as error:
            raise OptionError(
                f"--where {expression}: expected one condition over the columns "
                f"{some_names(table.column_names)}; {first_line(error)}"
            ) from None
    return chosen


def _tree(connection: "duckdb.DuckDBPyConnection", expression: str) -> str:
    """The expression as DuckDB has parsed it, as JSON."""
    query = f"SELECT 1 WHERE ({expression}\n)"
    ((tree,),) = connection.execute("SELECT json_serialize_sql(?)", [query]).fetchall()
    return str(tree)
