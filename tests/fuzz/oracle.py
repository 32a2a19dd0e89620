"""What rasterio makes of a file, and whether benkit makes the same of it."""

import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.enums import MaskFlags
from rasterio.errors import NotGeoreferencedWarning

from benkit.errors import BenkitError
from benkit.files.limits import LARGEST_RASTER, MOST_BANDS, MOST_BLOCKS
from benkit.tiff.read import Raster, gdal_session, read_raster

__all__ = ["Verdict", "judge", "row_of"]


@dataclass(frozen=True)
class Verdict:
    """How a file was read.

    Attributes
    ----------
    outcome : str
        ``plain``, the compression or another encoding if benkit reads it as rasterio does;
        ``refused`` if both refuse it; ``too large`` if it claims more pixels than are read at once;
        ``only we`` and why, if only benkit refuses it; else ``wrong``.
    raster : Raster or None
        What benkit has read.
    reason : str
        What benkit says of a refused file, or what is wrong.
    masked : bool
        Whether the file has a mask of its own.
    """

    outcome: str
    raster: Raster | None
    reason: str
    masked: bool = False


def read(path: Path) -> Raster | BenkitError:
    """What benkit makes of a file; anything but a `BenkitError` passes through."""
    try:
        return read_raster(path)
    except BenkitError as error:
        return error


def judge(path: Path, found: Raster | BenkitError) -> Verdict:
    """Hold what `read` gave against rasterio."""
    reason = str(found).removeprefix(f"{path}: ") if isinstance(found, BenkitError) else ""
    try:
        with warnings.catch_warnings(), gdal_session():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(path, driver="GTiff") as source:
                if too_large(source):
                    outcome = "too large" if reason else "wrong"
                    return Verdict(outcome, None, reason or "was read, but is too large")
                expected = facts(source)
                pixels = source.read()
                masked = MaskFlags.per_dataset in source.mask_flag_enums[0]
    except Exception as error:  # whatever rasterio raises, it does not read the file
        if reason:
            return Verdict("refused", None, reason)
        return Verdict("wrong", None, f"was read, but rasterio refuses it: {error.__cause__}")
    if isinstance(found, BenkitError):
        return Verdict(f"only we: {' '.join(reason.split()[:3])}", None, reason)
    differences = [
        f"{name} is {getattr(found, name)}, expected {value}"
        for name, value in expected.items()
        if not same(getattr(found, name), value)
    ]
    if found.pixels.dtype != pixels.dtype or not np.array_equal(
        found.pixels, pixels, equal_nan=pixels.dtype.kind in "fc"
    ):
        differences.append("its pixels are others")
    outcome = "wrong" if differences else found.encoding
    return Verdict(outcome, found, "; ".join(differences), masked)


def too_large(source: Any) -> bool:
    """Whether a raster, or the blocks that have to be decoded for it, are beyond the limits."""
    size = max(np.dtype(name).itemsize for name in source.dtypes)
    height, width = source.block_shapes[0]
    blocks = source.count * -(-source.height // height) * -(-source.width // width)
    claimed = blocks * height * width * size
    return source.count > MOST_BANDS or blocks > MOST_BLOCKS or claimed > LARGEST_RASTER


def facts(source: Any) -> dict[str, Any]:
    """NO_DATA value and georeference, as attributes of a `Raster`."""
    return {
        "nodata": source.nodata,
        "epsg": source.crs.to_epsg() if source.crs else None,
        "transform": tuple(source.transform)[:6] if places(source.transform) else None,
    }


def places(transform: Any) -> bool:
    """Whether a transform says where pixels lie: an identity and pixels without a finite area do not."""
    finite = all(map(math.isfinite, transform[:6]))
    return finite and not transform.is_identity and transform.determinant != 0


def same(found: Any, expected: Any) -> bool:
    """Equality in which NaN equals NaN."""
    if isinstance(expected, tuple) and isinstance(found, tuple):
        return all(same(a, b) for a, b in zip(found, expected, strict=True))
    if isinstance(expected, float) and math.isnan(expected):
        return isinstance(found, float) and math.isnan(found)
    return found == expected


def row_of(verdict: Verdict) -> dict[str, Any]:
    """What the row of an inventory has to say of a file with this verdict."""
    raster = verdict.raster
    if raster is None or len(raster.pixels) != 1 or verdict.masked:
        return {"status": "unreadable"}
    pixels = raster.pixels[0]
    if pixels.dtype.kind not in "iuf" or pixels.dtype.name in ("int64", "uint64", "float16"):
        return {"status": "unreadable"}
    valid = pixels[np.isfinite(pixels)] if pixels.dtype.kind == "f" else pixels.reshape(-1)
    if raster.nodata is not None and not math.isnan(raster.nodata):
        whole = pixels.dtype.kind in "iu" and math.isfinite(raster.nodata)
        valid = valid[valid != (int(raster.nodata) if whole else raster.nodata)]  # as GDAL masks
    row = {
        "status": "ok", "height": pixels.shape[0], "width": pixels.shape[1],
        "dtype": pixels.dtype.name, "valid": valid.size, "epsg": raster.epsg,
        "nodata": raster.nodata, "nodata_count": pixels.size - valid.size,
        "min": float(valid.min()) if valid.size else None,
        "max": float(valid.max()) if valid.size else None,
    }  # fmt: skip
    if pixels.dtype.kind == "f":
        with np.errstate(over="ignore"):
            if not np.isfinite(valid.astype(np.float64) ** 2).all():
                return {"status": "unreadable"}
        row |= {"float_sum": math.fsum(valid.astype(np.float64).tolist()), "sum": None}
    else:
        values = valid.astype(object)
        row |= {"sum": int(values.sum()), "sum_sq": int((values * values).sum())}
    return row
