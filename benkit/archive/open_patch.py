"""Open the bands of a patch as xarray Datasets, for geographic and numeric tools."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from benkit.domain.layouts import BIGEARTHNET_S2
from benkit.errors import MissingInputError, RasterError
from benkit.files.remote.location import as_path
from benkit.tiff.gdal import metres_per_unit
from benkit.tiff.raster import Raster, RasterProfile, same_corner, same_pixel
from benkit.tiff.read import read_raster

if TYPE_CHECKING:
    from xarray import Dataset


def open_patch(folder: str | os.PathLike[str]) -> dict[int, "Dataset"]:
    """Read the bands of a patch into one xarray Dataset for each pixel size.

    Parameters
    ----------
    folder : path
        ``<root>/<product>/<patch id>``, with a file ``<patch id>_<band>.tif`` for each band.

    Returns
    -------
    dict of int to xarray.Dataset
        By pixel size in metres: 10, 20 and 60. Each band is a variable in the file's data type (digital
        numbers), with the dimensions ``y`` (rows from the north) and ``x`` and the coordinates of the
        pixels' centres in metres. ``Dataset.rio`` knows the CRS and the transform, and
        ``Dataset[band].rio.nodata`` the NO_DATA value, which stays in the pixels.

    Raises
    ------
    MissingInputError
        If there is no such folder, or no file of a band.
    RasterError
        If a file cannot be read, or the bands of one pixel size do not lie on one grid.
    """
    folder = as_path(folder)
    if not folder.is_dir():
        raise MissingInputError(f"{folder}: expected the folder of a patch, but there is none")
    rasters: dict[int, dict[str, Raster]] = {}
    for name, band in BIGEARTHNET_S2.bands.items():
        path = folder / BIGEARTHNET_S2.band_file(folder.resolve().name, name)
        same_size = rasters.setdefault(int(band.pixel_size), {})
        same_size[name] = raster = read_raster(path)
        _require_one_grid(path, raster, next(iter(same_size.values())))
    return {size: _dataset(rasters[size]) for size in sorted(rasters)}


def _require_one_grid(path: Path, raster: Raster, first: Raster) -> None:
    """Refuse a raster that has several bands, or other pixels than the first of its pixel size."""
    same = raster.transform == first.transform or _on_same_grid(raster.profile, first.profile)
    if raster.pixels.shape != (1, *first.pixels.shape[1:]) or raster.epsg != first.epsg or not same:
        raise RasterError(
            f"{path}: expected one band on the same grid as the other bands of its pixel size, but its "
            "size or georeference is another; `benkit inspect` shows both"
        )


def _on_same_grid(profile: RasterProfile, first: RasterProfile) -> bool:
    """Whether corners and pixels of two rasters of one CRS and size are the same but for rounding."""
    from rasterio.crs import CRS

    if profile.transform is None or first.transform is None:
        return False
    metres = 1.0 if first.epsg is None else metres_per_unit(CRS.from_epsg(first.epsg))
    sides, expected = profile.pixel_sides, first.pixel_sides
    if sides and expected:
        same = all(map(same_pixel, sides, expected))
        return same and same_corner(profile.corner(), first.corner(), metres)
    height, width = first.height, first.width
    return all(
        same_corner(profile.corner(row, column), first.corner(row, column), metres)
        for row, column in ((0, 0), (0, width), (height, 0))
    )


def _dataset(rasters: dict[str, Raster]) -> "Dataset":
    """Bands on one grid as a Dataset with the georeference as rioxarray writes it."""
    import rioxarray  # noqa: F401  (makes Dataset.rio)
    import xarray
    from rasterio import Affine

    first = next(iter(rasters.values()))
    dataset = xarray.Dataset(
        {name: (("y", "x"), raster.pixels[0]) for name, raster in rasters.items()}
    )
    if first.epsg is not None:
        dataset = dataset.rio.write_crs(first.epsg)
    if first.transform is not None:
        transform = Affine(*first.transform)
        x = transform.c + transform.a * (dataset.x + 0.5)
        y = transform.f + transform.e * (dataset.y + 0.5)
        dataset = dataset.assign_coords(x=x, y=y).rio.write_transform(transform)
    for name, raster in rasters.items():
        dataset[name] = dataset[name].rio.write_nodata(raster.nodata)
    return dataset
