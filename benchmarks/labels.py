"""How fast `benkit labels` is beside what people use today, in one run on one machine.

    PYTHONPATH=. .venv/bin/python benchmarks/labels.py [--maps 50000] [--loop 1000] [--rounds 3]

The maps are GeoParquet files as geopandas writes them, one a patch: the real map of ../shared/data and
249 synthetic landscapes as polygons, repeated under valid names. Half of them have a column bbox. Their
reference system is written as the real map has it; where it names a datum ensemble,
as EPSG:32633 does, geopandas takes ten times as long to open a file. The page cache is warm.

geopandas and pyarrow are timed on the first maps in a loop, as people write it, and given per file;
benkit and DuckDB are whole runs over all maps.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from scan import PLACE, ROOT, WORKERS, peak_memory, rounds_of, say

REAL = ROOT / ".." / "shared" / "data" / "Reference_Maps"
PRODUCT = "S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP"
DIFFERENT = 250
TARGET = 10


def make_maps(folder: Path, maps: int) -> Path:
    """GeoParquet files; those that are there already are used again."""
    if (folder / ".whole").exists():
        return folder / "maps"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "maps").mkdir(parents=True)
    contents = [encode(number, folder / "map.parquet") for number in range(DIFFERENT)]
    for number in range(maps):
        day, place = divmod(number, 91 * 91)
        product = PRODUCT.replace("20170613", f"201706{day + 1:02d}")
        name = f"{product}_{place // 91:02d}_{place % 91:02d}_reference_map.parquet"
        (folder / "maps" / name).write_bytes(contents[number % DIFFERENT])
    (folder / ".whole").touch()
    return folder / "maps"


def encode(number: int, path: Path) -> bytes:
    """A map as geopandas writes it: the first is the real one."""
    import geopandas
    import rasterio
    import rasterio.features
    import shapely

    with rasterio.open(next(REAL.glob("*/*/*.tif"))) as source:
        codes, transform, crs = source.read(1), source.transform, source.crs
    if number:
        codes = landscape(number)
    found = list(rasterio.features.shapes(codes, transform=transform))
    frame = geopandas.GeoDataFrame(
        {"DN": [int(code) for _, code in found]},
        geometry=[shapely.geometry.shape(shape) for shape, _ in found],
        crs=crs,
    )
    frame.to_parquet(path, write_covering_bbox=bool(number % 2))
    return path.read_bytes()


def landscape(seed: int) -> np.ndarray:
    """Areas around some points, each with a code: 120 pixels a side, as real maps."""
    from benkit.domain.classes import CLC_TO_CLASS

    random = np.random.default_rng(seed)
    points = random.uniform(0, 120, (random.integers(2, 14), 2))
    rows, columns = np.indices((120, 120))
    squares = (rows[..., None] - points[:, 0]) ** 2 + (columns[..., None] - points[:, 1]) ** 2
    some = random.choice(sorted(CLC_TO_CLASS), random.integers(1, 7), replace=False)
    return random.choice(some, len(points))[squares.argmin(2)].astype("uint16")


# What people write today: read each file, add up the area of each code.


def geopandas_loop(files: list[Path]) -> dict:
    import geopandas

    found = {}
    for file in files:
        frame = geopandas.read_parquet(file)
        found[file.stem] = frame.area.groupby(frame["DN"]).sum().to_dict()
    return found


def pyarrow_loop(files: list[Path]) -> dict:
    import pyarrow.parquet
    import shapely

    found = {}
    for file in files:
        table = pyarrow.parquet.read_table(file, columns=["DN", "geometry"])
        codes, index = np.unique(table["DN"].to_numpy(), return_inverse=True)
        areas = shapely.area(shapely.from_wkb(table["geometry"].to_numpy()))
        found[file.stem] = dict(
            zip(codes.tolist(), np.bincount(index, areas).tolist(), strict=True)
        )
    return found


def duckdb_read(folder: Path) -> int:
    """All rows of all files; DuckDB alone cannot measure polygons."""
    import duckdb

    with duckdb.connect(config={"threads": WORKERS}) as connection:
        query = "SELECT filename, DN, geometry FROM read_parquet(?, filename = true)"
        return connection.sql(query, params=[f"{folder}/*.parquet"]).to_arrow_table().num_rows


def benkit_labels(folder: Path, output: Path) -> None:
    """A run as people start it, in a process of its own that knows nothing yet."""
    command = [sys.executable, "-m", "benkit", "labels", str(folder), "--json", "--no-progress"]
    command += ["--output", str(output), "--workers", str(WORKERS)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)


def require_same(files: list[Path], output: Path) -> None:
    """Areas of benkit and of geopandas."""
    import pyarrow.parquet

    rows = {row["patch_id"]: row for row in pyarrow.parquet.read_table(output).to_pylist()}
    for name, areas in geopandas_loop(files).items():
        row = rows[name.removesuffix("_reference_map")]
        assert dict(zip(row["codes"], row["areas"], strict=True)) == areas, name


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--maps", type=int, default=50_000)
    parser.add_argument("--loop", type=int, default=1000, help="maps in the loops")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    if not REAL.is_dir():
        sys.exit("benchmarks/labels.py needs the real reference map in ../shared/data")
    PLACE.mkdir(parents=True, exist_ok=True)
    count = arguments.maps
    fifth, whole = (make_maps(PLACE / f"{n}-maps", n) for n in (count // 5, count))
    some = sorted(whole.iterdir())[: arguments.loop]
    with tempfile.TemporaryDirectory(dir=PLACE) as folder:
        output = Path(folder) / "labels.parquet"
        times = rounds_of(
            arguments.rounds,
            {
                "geopandas": lambda: geopandas_loop(some),
                "pyarrow": lambda: pyarrow_loop(some),
                "duckdb": lambda: duckdb_read(whole),
                "benkit": lambda: benkit_labels(whole, output),
            },
        )
        require_same(some[:DIFFERENT], output)
        peaks = []
        for maps in (fifth, whole):
            with peak_memory() as peak:
                benkit_labels(maps, output)
            peaks.append(peak[0])
    per_file = {name: times[name] / len(some) * 1e6 for name in ("geopandas", "pyarrow")}
    per_file |= {name: times[name] / count * 1e6 for name in ("duckdb", "benkit")}
    say("what", "measured", "target")
    say("geopandas loop, per file", f"{per_file['geopandas']:.0f} us")
    say("pyarrow loop, per file", f"{per_file['pyarrow']:.0f} us")
    say("DuckDB over the folder, reading only, per file", f"{per_file['duckdb']:.0f} us")
    say(f"benkit labels, {WORKERS} workers, per file", f"{per_file['benkit']:.0f} us")
    say(f"benkit labels, {count:,} maps", f"{times['benkit']:.1f} s")
    for name, target in (("geopandas", f"{TARGET} x"), ("pyarrow", ""), ("duckdb", "")):
        ratio = per_file[name] / per_file["benkit"]
        say(f"benkit against {name}", f"{ratio:.1f} x as fast", target)
    say(f"peak memory of all processes, {count // 5:,} maps", f"{peaks[0]} MB")
    say(f"peak memory of all processes, {count:,} maps", f"{peaks[1]} MB", "the same")


if __name__ == "__main__":
    main()
