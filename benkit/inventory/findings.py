"""The kinds of findings: what each means, and the query that finds it in an inventory.

All that names findings derives from `KINDS`: the audit, the command line, the report and its map, the
errors that a sample has.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Kind:
    """A kind of findings.

    Attributes
    ----------
    name : str
        As tables and JSON have it, such as ``wrong_size``.
    meaning : str
        A sentence that says what is wrong.
    about : {"band", "patch", "path"}
        What a finding names and what counts: bands and patches count once a patch, paths one by one.
    sql : str
        One SELECT of ``patch_id`` and ``reason``, and of ``band`` if the kind is about bands, from the
        tables that `benkit.inventory.audit.audit_inventory` names.
    incomplete : bool
        Whether something is missing; otherwise something is wrong.
    visible : bool
        Whether a picture of the band shows what is wrong.
    planted : int
        In how many of 1,000 patches `benkit.sample` plants an error of this kind.
    """

    name: str
    meaning: str
    about: Literal["band", "patch", "path"]
    sql: str
    incomplete: bool = False
    visible: bool = False
    planted: int = 0

    @property
    def title(self) -> str:
        """The name with spaces, for pages and figures."""
        return self.name.replace("_", " ")

    @property
    def select(self) -> str:
        """The query with the columns of all findings: patch_id, band, kind, reason."""
        band = "band" if self.about == "band" else "NULL"
        return f"SELECT patch_id, {band}, '{self.name}', reason FROM ({self.sql})"


_KINDS = (
    Kind(
        "wrong_size",
        "a band has another number of pixels than it should",
        about="band",
        sql="""
        SELECT patch_id, band,
               format('{} x {} pixels; expected {} x {}',
                      ok.width, ok.height, bands.width, bands.height) AS reason
        FROM ok JOIN bands USING (band) WHERE ok.width <> bands.width OR ok.height <> bands.height
        """,
        visible=True,
        planted=17,
    ),
    Kind(
        "with_no_data",
        "a band has pixels without a measurement",
        about="band",
        sql="""
        SELECT patch_id, band,
               format(if(nodata IS NULL AND detail IS NOT NULL, '{:,} of {:,} pixels are not finite: {}',
                         '{:,} of {:,} pixels are NO_DATA{}'),
                      nodata_count, valid + nodata_count,
                      coalesce(if(nodata IS NULL, detail, format(', {} among them', detail)), '')
               ) AS reason
        FROM ok WHERE nodata_count > 0
        """,
        visible=True,
        planted=23,
    ),
    Kind(
        "not_part_of_dataset",
        "the patch is on disk, but not in the metadata",
        about="patch",
        sql="""
        SELECT patch_id, 'on disk, but not in the metadata' AS reason
        FROM patches ANTI JOIN metadata USING (patch_id)
        """,
        planted=13,
    ),
    Kind(
        "missing_band",
        "a band is not there",
        about="band",
        sql="""
        SELECT patch_id, band, 'there is no file of this band' AS reason
        FROM inventory WHERE status = 'missing'
        UNION ALL
        SELECT patch_id, band, 'the inventory has no row of this band'
        FROM (SELECT patch_id, coalesce(bit_or(1::BIGINT << number), 0) AS present
              FROM inventory JOIN bands USING (band) SEMI JOIN maybe_incomplete USING (patch_id)
              GROUP BY patch_id HAVING bit_count(present) < (SELECT count(*) FROM bands))
        JOIN bands ON present & (1::BIGINT << number) = 0
        """,
        incomplete=True,
        planted=5,
    ),
    Kind(
        "unreadable",
        "a band cannot be read",
        about="band",
        sql="SELECT patch_id, band, detail AS reason FROM inventory WHERE status = 'unreadable'",
        incomplete=True,
        planted=5,
    ),
    Kind(
        "wrong_dtype",
        "a band has another data type than it should",
        about="band",
        sql="""
        SELECT patch_id, band,
               format('data type {}; expected {}', ok.dtype, bands.dtype) AS reason
        FROM ok JOIN bands USING (band) WHERE ok.dtype <> bands.dtype
        """,
        visible=True,
        planted=4,
    ),
    Kind(
        "wrong_nodata",
        "a band declares another NO_DATA value than it should, or none",
        about="band",
        sql="""
        SELECT patch_id, band,
               format('NO_DATA is {}; expected {}',
                      coalesce(ok.nodata::VARCHAR, 'not declared'),
                      coalesce(bands.nodata::VARCHAR, 'none')) AS reason
        FROM ok JOIN bands USING (band) WHERE ok.nodata IS DISTINCT FROM bands.nodata
        """,
    ),
    Kind(
        "wrong_georeference",
        "a band lies elsewhere than the patch id says, has pixels of another size, or no georeference",
        about="band",
        sql="""
        SELECT patch_id, band,
               format('EPSG:{} at {}, {} with pixels of {} m; expected EPSG:{} at {}, {} with {} m',
                      coalesce(ok.epsg::VARCHAR, 'none'), coalesce(format('{:.15g}', ok.x), '?'),
                      coalesce(format('{:.15g}', ok.y), '?'),
                      coalesce(format('{:.15g}', ok.pixel_size), '?'),
                      expected.epsg, expected.x, expected.y,
                      format('{:.15g}', bands.pixel_size)) AS reason
        FROM ok JOIN bands USING (band)
        JOIN (FROM expected SEMI JOIN maybe_elsewhere USING (patch_id)) AS expected USING (patch_id)
        WHERE NOT coalesce(
            ok.epsg = expected.epsg
            AND abs(ok.x - expected.x) <= same_corner AND abs(ok.y - expected.y) <= same_corner
            AND (bands.pixel_size = 0
                 OR abs(ok.pixel_size - bands.pixel_size) <= same_pixel * bands.pixel_size), false)
        UNION ALL
        SELECT patch_id, band,
               if(x IS NULL OR coalesce(epsg::VARCHAR, crs) IS NULL, 'no georeference',
                  format('{}; expected pixels of {:.15g} m',
                         coalesce(format('pixels of {:.15g} m', ok.pixel_size), 'no square pixels'),
                         bands.pixel_size))
        FROM ok JOIN bands USING (band), (SELECT count(*) AS told FROM expected),
             (SELECT count(*) AS placed FROM ok WHERE x IS NOT NULL)
        WHERE told = 0 AND if(
            bands.pixel_size > 0,
            NOT coalesce(abs(ok.pixel_size - bands.pixel_size) <= same_pixel * bands.pixel_size, false),
            placed > 0 AND (x IS NULL OR coalesce(epsg::VARCHAR, crs) IS NULL))
        """,
        planted=4,
    ),
    Kind(
        "crs_disagreement",
        "the bands of a patch lie in different coordinate reference systems, or cover different ground",
        about="patch",
        sql="""
        SELECT patch_id, 'its bands lie in ' || string_agg(DISTINCT crs, ', ' ORDER BY crs) AS reason
        FROM (SELECT product, patch_id, epsg, coalesce('EPSG:' || epsg, 'none') AS crs FROM ok
              SEMI JOIN maybe_disagreeing ON hash(product, patch_id) = number)
        GROUP BY product, patch_id HAVING min(coalesce(epsg, 0)) <> max(coalesce(epsg, 0))
        UNION ALL
        SELECT patch_id, reason FROM other_ground
        """,
        planted=3,
    ),
    Kind(
        "out_of_range",
        "a band has pixels with values that it cannot have",
        about="band",
        sql="""
        SELECT patch_id, band,
               format('pixels from {:.6g} to {:.6g}; expected {:.6g} to {:.6g}',
                      min, max, least, greatest) AS reason
        FROM ok JOIN bands USING (band) WHERE min < least OR max > greatest
        """,
        visible=True,
    ),
    Kind(
        "mixed_offsets",
        "the digital numbers have the offset of later baselines, those of other patches not",
        about="patch",
        sql="""
        SELECT patch_id, format('digital numbers have an offset of {:,}; {:,} patches of {:,} have none',
                                added, (SELECT count(*) FROM offsets WHERE added = 0),
                                (SELECT count(*) FROM offsets)) AS reason
        FROM offsets WHERE added > 0 AND EXISTS (SELECT 1 FROM offsets WHERE added = 0)
        """,
    ),
    Kind(
        "invalid_patch_id",
        "the folder's name is no patch id",
        about="patch",
        sql="SELECT patch_id, reason FROM invalid",
    ),
    Kind(
        "misplaced",
        "the patch lies in the folder of another product, or twice",
        about="patch",
        sql="""
        SELECT patch_id, 'lies in the folder of product ' || product AS reason FROM misplaced
        """,
    ),
    Kind(
        "stray_file",
        "a file belongs to no band of its patch",
        about="path",
        sql="SELECT patch_id, detail AS reason FROM inventory WHERE status = 'stray'",
        planted=5,
    ),
    Kind(
        "not_scanned",
        "a link, a pipe, a hidden folder or one that cannot be listed lies in the archive",
        about="path",
        sql="SELECT NULL AS patch_id, detail AS reason FROM inventory WHERE status = 'not_scanned'",
    ),
    Kind(
        "not_on_disk",
        "the patch is in the metadata, but not on disk",
        about="patch",
        sql="""
        SELECT patch_id, 'in the metadata, but not on disk' AS reason
        FROM metadata ANTI JOIN patches USING (patch_id)
        """,
        incomplete=True,
        planted=5,
    ),
)

KINDS: dict[str, Kind] = {kind.name: kind for kind in _KINDS}
"""All kinds by name, in the order in which output lists them."""

_OF_SISTERS = (
    Kind(
        "without_sister",
        "the patch has no patch of the sister archive",
        about="patch",
        sql="""
        SELECT patch_id, coalesce('the metadata name ' || sister_id || ', which is not on disk',
                                  'the metadata name none') AS reason
        FROM joined SEMI JOIN own USING (patch_id)
        ANTI JOIN sister ON joined.sister_id = sister.patch_id
        """,
        incomplete=True,
    ),
    Kind(
        "sister_alone",
        "a patch of the sister archive has no patch here",
        about="patch",
        sql="""
        SELECT sister.patch_id, coalesce('the metadata join it with ' || min(joined.patch_id)
                                         || ', which is not on disk',
                                         'the metadata do not name it') AS reason
        FROM sister LEFT JOIN joined ON joined.sister_id = sister.patch_id
        GROUP BY sister.patch_id
        HAVING count(joined.patch_id) FILTER (joined.patch_id IN (SELECT patch_id FROM own)) = 0
        """,
        incomplete=True,
    ),
    Kind(
        "sister_elsewhere",
        "the patch of the sister archive shows other ground",
        about="patch",
        sql="""
        SELECT own.patch_id,
               format('{} lies in EPSG:{} at {:.15g}, {:.15g}, {:.15g} x {:.15g} m large; expected '
                      'EPSG:{} at {:.15g}, {:.15g}, {:.15g} x {:.15g} m', sister.patch_id, sister.epsg,
                      sister.x, sister.y, sister.wide, sister.high,
                      own.epsg, own.x, own.y, own.wide, own.high) AS reason
        FROM joined JOIN own USING (patch_id) JOIN sister ON joined.sister_id = sister.patch_id
        CROSS JOIN tolerance
        WHERE own.x IS NOT NULL AND sister.x IS NOT NULL AND NOT coalesce(
            own.epsg = sister.epsg AND abs(own.x - sister.x) <= same_corner
            AND abs(own.y - sister.y) <= same_corner AND abs(own.wide - sister.wide) <= same_corner
            AND abs(own.high - sister.high) <= same_corner, false)
        """,
    ),
)

SISTER_KINDS: dict[str, Kind] = {kind.name: kind for kind in _OF_SISTERS}
"""Kinds that tell of two archives of the same ground, such as Sentinel-1 beside Sentinel-2."""

ALL_KINDS: Mapping[str, Kind] = KINDS | SISTER_KINDS
"""What findings may be of."""
