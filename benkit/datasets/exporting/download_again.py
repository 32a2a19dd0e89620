"""What must be downloaded again: damaged and missing patches, by product."""

import pyarrow as pa
import pyarrow.compute as pc

from benkit.datasets.selection import TO_DOWNLOAD_AGAIN
from benkit.files.tables.table import one_array
from benkit.metadata.patch_list import are_among


def download_again(findings: pa.Table, wanted: pa.Array) -> pa.Table:
    """The patches, of some, that another download may mend.

    Parameters
    ----------
    findings : pyarrow.Table
        As `benkit.audit` gives them.
    wanted : pyarrow.Array
        Patch ids.

    Returns
    -------
    pyarrow.Table
        By product and patch: ``product``, ``patch_id``, ``bands`` (empty where the whole patch is
        meant) and ``kinds`` of findings, each with semicolons between them.
    """
    rows = findings.select(["patch_id", "band", "kind"])
    rows = rows.filter(pc.is_in(rows["kind"], pa.array(TO_DOWNLOAD_AGAIN, pa.string())))
    rows = rows.filter(pa.array(are_among(one_array(rows["patch_id"]), wanted)))
    is_whole = pc.fill_null(pc.equal(rows["band"], ""), True)
    kinds, bands = _joined(rows, "kind"), _joined(rows.filter(pc.invert(is_whole)), "band")
    ids = kinds["patch_id"]
    of_bands = bands["band"].take(pc.index_in(ids, one_array(bands["patch_id"])))
    whole = pc.is_in(ids, one_array(rows["patch_id"].filter(is_whole)))
    product = pc.replace_substring_regex(ids, "(_[^_]*){1,2}$", "")
    columns = [product, ids, pc.if_else(whole, "", of_bands), kinds["kind"]]
    table = pa.table(columns, ["product", "patch_id", "bands", "kinds"])
    return table.sort_by([("product", "ascending"), ("patch_id", "ascending")])


def _joined(rows: pa.Table, name: str) -> pa.Table:
    """``patch_id``, and the different texts of a column, sorted, with semicolons between them."""
    keys = ["patch_id", name]
    order = [(key, "ascending") for key in keys]
    each = rows.select(keys).group_by(keys, use_threads=False).aggregate([]).sort_by(order)
    lists = each.group_by("patch_id", use_threads=False).aggregate([(name, "list")])
    return pa.table([lists["patch_id"], pc.binary_join(lists[f"{name}_list"], ";")], keys)
