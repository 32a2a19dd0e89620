"""Sound files from which a fuzzer starts."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.io import MemoryFile
from rasterio.transform import from_origin

from benkit.tiff.plain import encode

__all__ = ["made_files", "real_files"]

VARIANTS: tuple[dict[str, Any], ...] = (
    {"compress": "deflate"},
    {"compress": "deflate", "predictor": 2},
    {"compress": "zstd"},
    {"compress": "zstd", "predictor": 2},
    {"compress": "lzw"},
    {"compress": "lzw", "predictor": 2},
    {"compress": "packbits"},
    {"compress": "deflate", "blockysize": 7},
    {"compress": "deflate", "predictor": 3, "dtype": "float32"},
    {"compress": "deflate", "predictor": 2, "dtype": "int32"},
    {"tiled": True, "blockxsize": 16, "blockysize": 16},
    {"tiled": True, "blockxsize": 16, "blockysize": 16, "compress": "zstd"},
    {"BIGTIFF": "YES"},
    {"BIGTIFF": "YES", "compress": "deflate"},
    {"ENDIANNESS": "BIG"},
    {"ENDIANNESS": "BIG", "compress": "lzw", "predictor": 2},
    {"count": 3},
    {"count": 2, "interleave": "pixel"},
    {"SPARSE_OK": "TRUE", "empty": True},
    {"dtype": "float64"},
    {"dtype": "float32", "nodata": "nan"},
    {"dtype": "int16", "nodata": -1},
    {"dtype": "uint8", "nodata": 255},
    {"dtype": "complex64"},
    {"nodata": None},
    {"crs": "EPSG:4326", "transform": from_origin(12, 48, 0.001, 0.001)},
    {"crs": "EPSG:4326", "transform": from_origin(12, 48, 1e-4, 8e-5), "dtype": "float32"},
    {"count": 13, "interleave": "pixel", "transform": from_origin(300000, 5400000, 10.01, 9.99)},
    {"count": 3, "interleave": "pixel", "dtype": "uint8", "compress": "deflate", "predictor": 2},
    {"dtype": "float32", "nodata": -9999},
    {"crs": "EPSG:3035"},
    {"crs": None},
    {"transform": rasterio.Affine(10, 1, 300000, 1, -10, 5400000)},
)


def made_files() -> list[bytes]:
    """Small files of many encodings, made on the spot."""
    pixels = np.arange(20 * 20, dtype=np.uint16).reshape(20, 20) % 97
    plain = [
        encode(np.resize(pixels, (side, side)).astype(dtype), epsg=epsg, x=300000, y=5400000,
               pixel_size=size, nodata=nodata)
        for side, dtype, epsg, size, nodata in (
            (20, "uint16", 32633, 60, 0), (60, "uint16", 32633, 20, 0), (20, "uint8", 32701, 60, 7),
            (20, "int16", 32660, 60, -1), (20, "float32", 32601, 0.5, None),
            (90, "uint16", 32633, 10, 0),
        )
    ]  # fmt: skip
    return plain + [variant(pixels, options) for options in VARIANTS]


def variant(pixels: np.ndarray, options: dict[str, Any]) -> bytes:
    """The pixels in a GeoTIFF with some of GDAL's options."""
    profile = {
        "driver": "GTiff", "dtype": "uint16", "count": 1, "crs": "EPSG:32633", "nodata": 0,
        "height": pixels.shape[0], "width": pixels.shape[1],
        "transform": from_origin(300000, 5400000, 60, 60),
    } | options  # fmt: skip
    empty = profile.pop("empty", False)
    if profile.get("nodata") == "nan":
        profile["nodata"] = float("nan")
    with warnings.catch_warnings(), MemoryFile() as memory:
        warnings.simplefilter("ignore")
        with memory.open(**profile) as target:
            if not empty:
                target.write(np.stack([pixels.astype(profile["dtype"])] * profile["count"]))
        return memory.read()


def real_files(folder: Path) -> Iterator[bytes]:
    """One real patch, one of another zone, a reference map, and files that GDAL is tested with."""
    patches = sorted(folder.glob("BigEarthNet-S2/*/*"))
    files = [*patches[0].glob("*.tif"), *patches[3].glob("*_B0[123].tif")]
    files += folder.glob("Reference_Maps/*/*/*.tif")
    files += folder.glob("odd-tiffs/*.tif")
    yield from (file.read_bytes() for file in sorted(files) if file.stat().st_size < 2**17)
