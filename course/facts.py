"""The numbers of the report, computed on the official metadata and on a run of the course's size."""

import hashlib
import io
import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

import benkit
from benchmarks.split import BLOCK_METRES, benkit_split, official_split, random_split
from benkit.footprints import Footprints, locate
from benkit.planar import nearest_distances, planar_centres
from benkit.spec.bands import PATCH_METRES
from benkit.traits import label_trait
from course.round_trips import round_trips

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "data"
METADATA = SHARED / "metadata.parquet"
PATCH = "S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP_75_43"
PROJECT = ROOT / "pyproject.toml"
PATCHES, SEED = 5000, 7
TEST = 0.25
BUFFERS = (2500, 10000)


def random_blocks(metadata: pa.Table) -> NDArray[np.bool_]:
    """Whole cells of a grid in random order until a quarter of the patches is reached."""
    cells = planar_centres(locate(metadata["patch_id"])) // BLOCK_METRES
    of_patch = np.unique(cells, axis=0, return_inverse=True)[1].ravel()
    order = np.random.default_rng(0).permutation(of_patch.max() + 1)
    taken = np.cumsum(np.bincount(of_patch)[order]) <= TEST * len(metadata)
    return np.isin(of_patch, order[taken])


METHODS = {
    "random": random_split,
    "blocks": random_blocks,
    "official": official_split,
    "benkit": benkit_split,
}

_FIGURES = (
    "train", "test", "fraction", "crossing_pairs", "leakage", "median_nearest_train_m", "label_rms",
    "season_deviation", "country_deviation", "label_shares", "country_shares", "regions",
)  # fmt: skip


@dataclass(frozen=True)
class Facts:
    """What the report says and what its figures show.

    Attributes
    ----------
    numbers : dict
        For JSON; the documents read it.
    arrays : dict
        Arrays for the figures.
    """

    numbers: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, Any] = field(default_factory=dict)


def compute(work: Path) -> Facts:
    """Compute everything; files go below ``work``."""
    facts = Facts(quick(work))
    metadata = benkit.read_metadata(METADATA)
    places = benkit.locate(metadata["patch_id"])
    facts.numbers["csv"] = _csv(metadata, work)
    _overlaps(facts, metadata, places)
    _splits(facts, metadata, places)
    facts.numbers["run"] = run_course(work)
    return facts


def quick(work: Path) -> dict[str, Any]:
    """The numbers that take no more than seconds."""
    metadata = benkit.read_metadata(METADATA)
    return {
        "metadata": _metadata(metadata),
        "parquet": _parquet(),
        "round_trips": round_trips(work / "formats"),
        "retile": _retile(work),
        "geometry": _geometry(metadata),
    }


# --- the table and its formats --------------------------------------------------------------------


def _metadata(metadata: pa.Table) -> dict[str, Any]:
    summary = benkit.summarize(metadata)
    return {
        "rows": len(metadata),
        "columns": metadata.num_columns,
        "seasons": dict(summary.seasons),
        "average_num_labels": float(summary.average_num_labels),
        "maximum_num_labels": summary.maximum_num_labels,
        "labels": len(label_trait(metadata).names),
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


def _parquet() -> dict[str, Any]:
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


def _csv(metadata: pa.Table, work: Path) -> dict[str, Any]:
    path = work / "formats" / "metadata.csv"
    csv_text(metadata, path)
    with_comma = [name for name in label_trait(metadata).names if "," in name]
    first = metadata["labels"].to_pylist()
    wrong = sum(len(",".join(one).split(",")) != len(one) for one in first)
    return {
        "bytes": path.stat().st_size,
        "labels_with_comma": with_comma,
        "patches_wrong_if_joined": wrong,
    }


# --- re-tiling and geometry -----------------------------------------------------------------------


def band_of(patch: str, band: str) -> Path:
    """A band of a patch of the real archive."""
    folder = SHARED / "BigEarthNet-S2" / patch.rsplit("_", 2)[0] / patch
    return folder / f"{patch}_{band}.tif"


def _retile(work: Path) -> dict[str, Any]:
    """Cut a real patch, read the parts back, and see what the equation says of wrong ones."""
    import rasterio

    source = band_of(PATCH, "B02")
    parts = benkit.retile_raster(source, work / "re-tiled", grid=(2, 2), overwrite=True)
    with rasterio.open(source) as whole:
        transform, height, width = whole.transform, whole.height, whole.width
        epsg = whole.crs.to_epsg()
    found = {}
    for letter, file in zip("ABCD", parts.files, strict=True):
        row, column = (height // 2) * (letter in "CD"), (width // 2) * (letter in "BD")
        with rasterio.open(file) as part:
            right = part.transform
            corners = [(0, 0), (part.width, 0), (0, part.height), (part.width, part.height)]
            most = _residual(right, transform, row, column, corners)
            assert most == 0, "the equation holds"
            found[letter] = {
                "x": right.c,
                "y": right.f,
                "row": row,
                "column": column,
                "residual": most,
                "residual_unmoved": _residual(transform, transform, row, column, corners),
            }
    return {
        "patch": PATCH,
        "epsg": epsg,
        "x": transform.c,
        "y": transform.f,
        "pixel": transform.a,
        "side": width,
        "parts": found,
    }


def _residual(
    part: Any, source: Any, row: int, column: int, corners: list[tuple[int, int]]
) -> float:
    """Largest distance in metres between where a part puts its corners and where they belong."""
    apart = []
    for c, r in corners:
        here, there = _place(part, c, r), _place(source, c + column, r + row)
        apart.append(float(np.hypot(here[0] - there[0], here[1] - there[1])))
    return max(apart)


def _place(transform: Any, column: int, row: int) -> tuple[float, float]:
    a, b, c, d, e, f = tuple(transform)[:6]
    return a * column + b * row + c, d * column + e * row + f


def _geometry(metadata: pa.Table) -> dict[str, Any]:
    """Corners computed from names against the geometries that were published for version 1."""
    import shapely

    ids = dict(
        zip(metadata["s2v1_name"].to_pylist(), metadata["patch_id"].to_pylist(), strict=True)
    )
    compared, exact, files = 0, 0, 0
    for file in sorted((SHARED / "v1-footprints").glob("*.parquet")):
        table = pq.read_table(file, columns=["patch_name", "geom"])
        names = table["patch_name"].to_pylist()
        shapes = shapely.from_wkb(np.array(table["geom"].to_pylist(), object))
        known = [place for place, name in enumerate(names) if name in ids]
        places = benkit.locate([ids[names[place]] for place in known])
        bounds = shapely.bounds(shapes[known])
        ours_ = np.stack([places.x, places.y - PATCH_METRES, places.x + PATCH_METRES, places.y], 1)
        compared, exact = compared + len(known), exact + int((bounds == ours_).all(1).sum())
        files += 1
    odd = sum(1 for _ in (SHARED / "odd-tiffs").iterdir())
    return {"compared": compared, "exact": exact, "files": files, "odd_tiffs": odd}


# --- shared ground --------------------------------------------------------------------------------


def _overlaps(facts: Facts, metadata: pa.Table, places: Footprints) -> None:
    pairs = benkit.overlapping_pairs(places)
    first, second = pairs[:, 0], pairs[:, 1]
    tile = np.array([product.tile.name for product in places.products])[places.product]
    day = np.array([str(p.sensing_start)[:10] for p in places.products])[places.product]
    zone = places.epsg % 100
    reasons = {
        "dates": tile[first] == tile[second],
        "tiles": (tile[first] != tile[second]) & (zone[first] == zone[second]),
        "zones": zone[first] != zone[second],
    }
    groups = benkit.ground_groups(places, pairs)
    sizes = np.bincount(groups)
    ids = metadata["patch_id"]
    numbers: dict[str, Any] = {
        "pairs": len(pairs),
        "overlapping": len(np.unique(pairs)),
        "same_square": int(
            (
                reasons["dates"]
                & (places.column[first] == places.column[second])
                & (places.row[first] == places.row[second])
            ).sum()
        ),
        "same_product": int((places.product[first] == places.product[second]).sum()),
        "same_day_tiles": int(((day[first] == day[second]) & ~reasons["dates"]).sum()),
        "groups": len(sizes),
        "alone": int((sizes == 1).sum()),
        "largest_group": int(sizes.max()),
        "zone_countries": sorted(
            pc.unique(metadata["country"].take(np.unique(pairs[reasons["zones"]]))).to_pylist()
        ),
        "tiles": len(np.unique(tile)),
        "products": len(places.products),
        "tile_pairs": len(
            {tuple(sorted(two)) for two in zip(tile[first], tile[second], strict=True)}
            - {(one, one) for one in np.unique(tile).tolist()}
        ),
        "reasons": {},
    }
    kind = np.zeros(len(places), np.int64)  # 0 alone, then the reason that is met most rarely
    for number, (name, mask) in enumerate(reasons.items(), 1):
        members = np.unique(pairs[mask])
        kind[members] = number
        one, other = _example(places, pairs[mask], name)
        numbers["reasons"][name] = {
            "pairs": int(mask.sum()),
            "patches": len(members),
            "example": [ids[one].as_py(), ids[other].as_py()],
            "shared": _shared_area(places, one, other) / PATCH_METRES**2,
        }
    facts.numbers["overlaps"] = numbers
    facts.arrays.update(
        places=places,
        centres=planar_centres(places),
        kind=kind,
        country=np.array(metadata["country"].to_pylist()),
        ids={name: place for place, name in enumerate(ids.to_pylist())},
    )


def _example(places: Footprints, pairs: NDArray[np.int64], reason: str) -> tuple[int, int]:
    """The first pair of one square; else the pair whose shared part is nearest to a half."""
    if reason == "dates":
        return int(pairs[0, 0]), int(pairs[0, 1])
    if reason == "tiles":
        first, second = pairs[:, 0], pairs[:, 1]
        width = PATCH_METRES - np.abs(places.x[first] - places.x[second])
        height = PATCH_METRES - np.abs(places.y[first] - places.y[second])
        shared = width * height
    else:
        shared = np.array([_shared_area(places, *pair) for pair in pairs.tolist()])
    best = int(np.abs(shared / PATCH_METRES**2 - 0.5).argmin())
    return int(pairs[best, 0]), int(pairs[best, 1])


def outline(places: Footprints, patch: int, epsg: int) -> NDArray[np.float64]:
    """The edge of a patch in some UTM zone: (41, 2), metres."""
    from pyproj import Transformer

    steps = np.linspace(0, PATCH_METRES, 11)[:-1]
    low, high = np.zeros(10), np.full(10, PATCH_METRES)
    right = np.concatenate([steps, high, high - steps, low, [0]])
    down = np.concatenate([low, steps, high, high - steps, [0]])
    x, y = places.x[patch] + right, places.y[patch] - down
    own = int(places.epsg[patch])
    if own != epsg:
        x, y = Transformer.from_crs(own, epsg, always_xy=True).transform(x, y)
    return np.stack([x, y], 1)


def _shared_area(places: Footprints, one: int, other: int) -> float:
    """Square metres that two patches share, in the UTM zone of the first."""
    import shapely

    epsg = int(places.epsg[one])
    return (
        shapely.Polygon(outline(places, one, epsg))
        .intersection(shapely.Polygon(outline(places, other, epsg)))
        .area
    )


# --- splits ---------------------------------------------------------------------------------------


def _splits(facts: Facts, metadata: pa.Table, places: Footprints) -> None:
    ids = np.array(metadata["patch_id"].to_pylist(), object)
    pairs = benkit.overlapping_pairs(places)
    centres = facts.arrays["centres"]
    labels = _label_matrix(metadata)
    numbers: dict[str, Any] = {}
    for name, method in METHODS.items():
        in_test = method(metadata)
        sides = {"train": ids[~in_test].tolist(), "test": ids[in_test].tolist()}
        figures = benkit.evaluate_split(metadata, sides).to_dict()
        crossing = pairs[in_test[pairs[:, 0]] != in_test[pairs[:, 1]]]
        seen = np.zeros(len(ids), bool)
        seen[np.unique(crossing)] = True
        numbers[name] = {key: figures[key] for key in _FIGURES} | {
            "test_on_train_ground": float(seen[in_test].mean()),
            "copy_f1": _copied_labels(centres, labels, in_test),
            "constant_f1": _constant_labels(labels, in_test),
        }
        facts.arrays[f"test_{name}"] = in_test
        facts.arrays[f"nearest_{name}"] = nearest_distances(centres[in_test], centres[~in_test])
    facts.numbers["splits"] = numbers
    facts.numbers["official"] = _official(metadata)
    facts.numbers["buffers"] = {str(metres): _buffered(metadata, metres) for metres in BUFFERS}


def _label_matrix(metadata: pa.Table) -> NDArray[np.bool_]:
    """Which patch has which label: (patches, labels)."""
    trait = label_trait(metadata)
    matrix = np.zeros((len(metadata), len(trait.names)), bool)
    matrix[trait.patch, trait.value] = True
    return matrix


def _copied_labels(
    centres: NDArray[np.float64], labels: NDArray[np.bool_], in_test: NDArray[np.bool_]
) -> float:
    """Micro-averaged F1 of a "model" that copies the labels of the nearest train patch."""
    import shapely

    train = np.flatnonzero(~in_test)
    tree = shapely.STRtree(shapely.points(centres[train]))
    pairs = tree.query_nearest(shapely.points(centres[in_test]))
    first = np.unique(pairs[0], return_index=True)[1]  # of several, the least index
    nearest = np.minimum.reduceat(pairs[1], first)
    return _f1(labels[train[nearest]], labels[in_test])


def _constant_labels(labels: NDArray[np.bool_], in_test: NDArray[np.bool_]) -> float:
    """The same for one that says the same few labels of every patch, the best on the train side."""
    train = labels[~in_test]
    common = np.argsort(-train.sum(0), kind="stable")
    answers = []
    for many in range(1, len(common) + 1):
        answer = np.zeros(labels.shape[1], bool)
        answer[common[:many]] = True
        answers.append((_f1(np.broadcast_to(answer, train.shape), train), answer))
    best = max(answers, key=lambda pair: pair[0])[1]
    test = labels[in_test]
    return _f1(np.broadcast_to(best, test.shape), test)


def _f1(said: NDArray[np.bool_], true: NDArray[np.bool_]) -> float:
    return float(2 * (said & true).sum() / (said.sum() + true.sum()))


def _official(metadata: pa.Table) -> dict[str, Any]:
    """The official split with its three sides as they are."""
    side = np.array(metadata["split"].to_pylist())
    ids = np.array(metadata["patch_id"].to_pylist(), object)
    sides = {name: ids[side == name].tolist() for name in ("train", "validation", "test")}
    figures = benkit.evaluate_split(metadata, sides)
    assert figures.validation is not None
    return {
        "train": figures.train,
        "validation": figures.validation.patches,
        "test": figures.test.patches,
        "test_leakage": figures.test.leakage,
        "validation_leakage": figures.validation.leakage,
    }


def _buffered(metadata: pa.Table, metres: int) -> dict[str, Any]:
    split = benkit.split_patches(metadata, test=TEST, buffer=metres)
    figures = benkit.evaluate_split(metadata, split.sides())
    return {
        "left_out": figures.left_out / len(metadata),
        "train": figures.train,
        "leakage": figures.test.leakage,
        "label_rms": figures.test.label_rms,
    }


# --- a run of the course's size -------------------------------------------------------------------


def run_course(work: Path) -> dict[str, Any]:
    """main.py, as it is, on a synthetic sample of the course's size."""
    project = course_project(work)
    done = subprocess.run(
        [sys.executable, "main.py"], cwd=project, capture_output=True, check=True, text=True
    )
    data = project / "untracked-files" / "milestone01"
    split = (project / "untracked-files" / "split.csv").read_text("utf-8").splitlines()
    sides = [line.split(",") for line in split[1:]]
    return {
        "patches": PATCHES,
        "seed": SEED,
        "files": sum(1 for _ in (data / "BigEarthNet-v2.0-S2-with-errors").glob("*/*/*.tif")),
        "rows": pq.read_metadata(data / "metadata.parquet").num_rows,
        "lines": done.stdout.splitlines(),
        "planted": {
            kind: int(many)
            for kind, many in re.findall(
                r"  (\w+): (\d+)\n", (data / "README.txt").read_text("utf-8")
            )
        },
        "train": sum(bool(train) for train, _ in sides),
        "test": sum(bool(test) for _, test in sides),
    }


def course_project(work: Path) -> Path:
    """A folder with main.py, its library and a sample of the course's size.

    The sample is kept for the next time, as long as the code that makes it is the same.
    """
    project = work / "project"
    data = project / "untracked-files" / "milestone01"
    made_by, maker = project / "sample-made-by.txt", _maker()
    if not made_by.exists() or made_by.read_text("utf-8") != maker:
        shutil.rmtree(project, ignore_errors=True)
        data.parent.mkdir(parents=True)
        benkit.make_sample(data, patches=PATCHES, seed=SEED)
        made_by.write_text(maker, "utf-8")
    shutil.copyfile(ROOT / "main.py", project / "main.py")
    shutil.rmtree(project / "benkit", ignore_errors=True)
    shutil.copytree(
        ROOT / "benkit", project / "benkit", ignore=shutil.ignore_patterns("__pycache__")
    )
    return project


def _maker() -> str:
    """What identifies the code that makes samples, and what it is asked for."""
    code = hashlib.sha256(f"{PATCHES} {SEED}".encode())
    for room in ("sample", "spec", "io"):
        for file in sorted((ROOT / "benkit" / room).glob("*.py")):
            code.update(file.read_bytes())
    return code.hexdigest()


def changed(new: Mapping[str, Any], old: Mapping[str, Any], path: str = "") -> list[str]:
    """Names of the numbers that differ."""
    names = []
    for key in sorted({*new, *old}):
        name = f"{path}.{key}" if path else key
        one, other = new.get(key), old.get(key)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            names.extend(changed(one, other, name))
        elif one != other:
            names.append(name)
    return names
