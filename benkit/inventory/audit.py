"""Whether an archive is whole and correct: every deviation is a finding.

An audit holds an inventory against what the names of the patches promise and against the metadata.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benkit.domain.bands import BANDS, NODATA
from benkit.domain.patch_names import parse_patch_id
from benkit.errors import PatchIdError
from benkit.ground.footprints import locate
from benkit.inventory.table.inventory_file import Inventory

__all__ = ["KINDS", "Audit", "audit_inventory"]

KINDS = {
    "wrong_size": "a band has another number of pixels than it should",
    "with_no_data": "a band has pixels without a measurement",
    "not_part_of_dataset": "the patch is on disk, but not in the metadata",
    "missing_band": "a band is not there",
    "unreadable": "a band cannot be read",
    "wrong_dtype": "a band has another data type than uint16",
    "wrong_nodata": "a band does not declare 0 as its NO_DATA value",
    "wrong_georeference": "a band lies elsewhere than the patch id says",
    "crs_disagreement": "the bands of a patch lie in different coordinate reference systems",
    "invalid_patch_id": "the folder's name is no patch id",
    "misplaced": "the patch lies in the folder of another product, or twice",
    "stray_file": "a file belongs to no band of its patch",
    "not_scanned": "a link, a pipe or a folder that cannot be listed lies in the archive",
    "not_on_disk": "the patch is in the metadata, but not on disk",
}
"""Kinds of findings, in the order in which output lists them, and what they mean."""

_FINDINGS_SCHEMA = pa.schema(
    [
        pa.field("patch_id", pa.string()),
        pa.field("band", pa.string()),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
    ]
)

# One SELECT a kind; each gives patch_id, band, kind, reason.
_QUERIES = (
    """
    SELECT patch_id, band, 'wrong_size',
           format('{} x {} pixels; expected {} x {}', width, height, side, side)
    FROM ok JOIN bands USING (band) WHERE width <> side OR height <> side
    """,
    """
    SELECT patch_id, band, 'with_no_data',
           format('{:,} of {:,} pixels are NO_DATA', nodata_count, valid + nodata_count)
    FROM ok WHERE nodata_count > 0
    """,
    """
    SELECT patch_id, NULL, 'not_part_of_dataset', 'on disk, but not in the metadata'
    FROM patches ANTI JOIN metadata USING (patch_id)
    """,
    """
    SELECT patch_id, band, 'missing_band', 'there is no file of this band'
    FROM inventory WHERE status = 'missing'
    """,
    """
    SELECT patch_id, band, 'missing_band', 'the inventory has no row of this band'
    FROM (SELECT patch_id, list(DISTINCT band) AS present FROM inventory WHERE band IS NOT NULL
          GROUP BY patch_id HAVING count(DISTINCT band) < (SELECT count(*) FROM bands))
    JOIN bands ON NOT list_contains(present, band)
    """,
    """
    SELECT patch_id, band, 'unreadable', detail FROM inventory WHERE status = 'unreadable'
    """,
    """
    SELECT patch_id, band, 'wrong_dtype', format('data type {}; expected uint16', dtype)
    FROM ok WHERE dtype <> 'uint16'
    """,
    f"""
    SELECT patch_id, band, 'wrong_nodata',
           format('NO_DATA is {{}}; expected {NODATA}', coalesce(nodata::VARCHAR, 'not declared'))
    FROM ok WHERE nodata IS DISTINCT FROM {NODATA}
    """,
    """
    SELECT patch_id, band, 'wrong_georeference',
           format('EPSG:{} at {}, {} with pixels of {} m; expected EPSG:{} at {}, {} with {} m',
                  coalesce(ok.epsg::VARCHAR, 'none'), coalesce(format('{:.10g}', ok.x), '?'),
                  coalesce(format('{:.10g}', ok.y), '?'),
                  coalesce(format('{:.10g}', ok.pixel_size), '?'),
                  places.epsg, places.x, places.y, bands.pixel_size)
    FROM ok JOIN bands USING (band) JOIN places USING (patch_id)
    WHERE ok.epsg IS DISTINCT FROM places.epsg OR ok.x IS DISTINCT FROM places.x
       OR ok.y IS DISTINCT FROM places.y OR ok.pixel_size IS DISTINCT FROM bands.pixel_size
    """,
    """
    SELECT patch_id, NULL, 'crs_disagreement',
           'its bands lie in ' || string_agg(DISTINCT crs, ', ' ORDER BY crs)
    FROM (SELECT product, patch_id, coalesce('EPSG:' || epsg, 'none') AS crs FROM ok)
    GROUP BY product, patch_id HAVING count(DISTINCT crs) > 1
    """,
    """
    SELECT patch_id, NULL, 'invalid_patch_id', reason FROM invalid
    """,
    """
    SELECT patch_id, NULL, 'misplaced', 'lies in the folder of product ' || product
    FROM patches WHERE NOT starts_with(patch_id, product || '_')
       OR length(patch_id) <> length(product) + 6
    """,
    """
    SELECT patch_id, NULL, 'stray_file', detail FROM inventory WHERE status = 'stray'
    """,
    """
    SELECT NULL, NULL, 'not_scanned', detail FROM inventory WHERE status = 'not_scanned'
    """,
    """
    SELECT patch_id, NULL, 'not_on_disk', 'in the metadata, but not on disk'
    FROM metadata ANTI JOIN patches USING (patch_id)
    """,
)


@dataclass(frozen=True)
class Audit:
    """The findings of an audit.

    Attributes
    ----------
    patches : int
        Patches on disk.
    counts : mapping of str to int
        By kind, in the order of `KINDS`: how many patches it concerns; for stray files and what was
        not scanned, how many of these.
    findings : pyarrow.Table
        One row a finding, sorted: ``patch_id``, ``band`` (null where it is about the whole patch),
        ``kind``, ``reason``.
    """

    patches: int
    counts: Mapping[str, int]
    findings: pa.Table


def audit_inventory(inventory: Inventory, metadata: pa.Table) -> Audit:
    """Hold an inventory against its patches' names and the metadata.

    Parameters
    ----------
    inventory : Inventory
    metadata : pyarrow.Table
        With the column ``patch_id``.

    Returns
    -------
    Audit
    """
    patches = inventory.query(
        "SELECT DISTINCT product, patch_id FROM inventory WHERE band IS NOT NULL ORDER BY ALL"
    )
    places, invalid = _places([patch for _, patch in patches])
    rows = inventory.query(
        "WITH ok AS (SELECT * FROM inventory WHERE status = 'ok')"
        + " UNION ALL ".join(_QUERIES)
        + " ORDER BY 1 NULLS FIRST, 2 NULLS FIRST, 3, 4",
        patches=_table(("product", "patch_id"), patches),
        metadata=metadata.select(["patch_id"]),
        places=places,
        invalid=_table(("patch_id", "reason"), invalid),
        bands=pa.table(
            {
                "band": list(BANDS),
                "side": [band.side for band in BANDS.values()],
                "pixel_size": [band.pixel_size for band in BANDS.values()],
            }
        ),
    )
    findings = _table(_FINDINGS_SCHEMA.names, rows).cast(_FINDINGS_SCHEMA)
    audit = Audit(len({patch for _, patch in patches}), _counts(findings), findings)
    _check(audit, len(metadata))
    return audit


def _places(patch_ids: list[str]) -> tuple[pa.Table, list[tuple[str, str]]]:
    """Where the patches should lie, and which names are no patch ids, and why."""
    invalid = []
    valid = sorted(set(patch_ids))
    try:
        places = locate(valid)
    except PatchIdError:
        for patch in valid:
            try:
                parse_patch_id(patch)
            except PatchIdError as error:
                invalid.append((patch, str(error)))
        valid = sorted(set(valid) - {patch for patch, _ in invalid})
        places = locate(valid)
    table = pa.table(
        {
            "patch_id": pa.array(valid, pa.string()),
            "epsg": places.epsg,
            "x": places.x,
            "y": places.y,
        }
    )
    return table, invalid


def _table(names: tuple[str, ...] | list[str], rows: list[tuple]) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else [()] * len(names)
    return pa.table(
        {name: pa.array(column, pa.string()) for name, column in zip(names, columns, strict=True)}
    )


def _counts(findings: pa.Table) -> dict[str, int]:
    counts = {}
    for kind in KINDS:
        found = findings.filter(pc.equal(findings["kind"], kind))
        column = "reason" if kind in _KINDS_OF_PATHS else "patch_id"
        counts[kind] = pc.count_distinct(found[column]).as_py()
    return counts


def _check(audit: Audit, in_metadata: int) -> None:
    known = audit.patches - audit.counts["not_part_of_dataset"]
    assert known == in_metadata - audit.counts["not_on_disk"], "both sides share the same patches"
    on_disk = [kind for kind in KINDS if kind not in ("not_on_disk", *_KINDS_OF_PATHS)]
    assert all(audit.counts[kind] <= audit.patches for kind in on_disk), "counts are of patches"
    assert set(audit.findings["kind"].unique().to_pylist()) <= KINDS.keys(), "kinds are known"
    has_band = np.array(audit.findings["band"].is_valid())
    of_bands = pc.is_in(audit.findings["kind"], pa.array(_KINDS_OF_BANDS)).to_numpy()
    assert np.array_equal(has_band, of_bands), "findings about a band name it"


_KINDS_OF_PATHS = ("stray_file", "not_scanned")
_KINDS_OF_BANDS = [
    "wrong_size",
    "with_no_data",
    "missing_band",
    "unreadable",
    "wrong_dtype",
    "wrong_nodata",
    "wrong_georeference",
]
