"""What must be downloaded again: damaged and missing patches, by product."""

import pyarrow as pa

from benkit.datasets.selection import TO_DOWNLOAD_AGAIN


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
    among = set(wanted.to_pylist())
    bands: dict[str, set[str]] = {}
    kinds: dict[str, set[str]] = {}
    whole: set[str] = set()
    columns = (findings[name].to_pylist() for name in ("patch_id", "band", "kind"))
    for patch, band, kind in zip(*columns, strict=True):
        if patch in among and kind in TO_DOWNLOAD_AGAIN:
            kinds.setdefault(patch, set()).add(kind)
            if band:
                bands.setdefault(patch, set()).add(band)
            else:
                whole.add(patch)
    rows = [
        (
            patch.rsplit("_", 2)[0],
            patch,
            "" if patch in whole else ";".join(sorted(bands[patch])),
            ";".join(sorted(kinds[patch])),
        )
        for patch in sorted(kinds)
    ]
    names = ("product", "patch_id", "bands", "kinds")
    texts = [pa.array([row[i] for row in sorted(rows)], pa.string()) for i in range(len(names))]
    return pa.table(texts, names=names)
