"""From an archive to a data set that a model can be trained on, with a synthetic sample.

Run it as it is (``python docs/tutorial.py [FOLDER]``), or cell by cell: editors that know ``# %%``
show it as a notebook. Everything it makes goes below FOLDER.
"""

# %% [markdown]
# # From an archive to training
#
# The sample stands for your download: the same folders, the same kinds of files, and errors in them
# that a real archive can have. With the real one, leave this cell out and set the three paths.

# %%
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl

import benkit

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "untracked-files/tutorial")
benkit.sample(folder / "sample", patches=100, seed=7)

archive = folder / "sample" / "BigEarthNet-v2.0-S2-with-errors"
metadata_file = folder / "sample" / "metadata.parquet"
inventory_file = folder / "inventory.parquet"

# %% [markdown]
# ## 1. Read every pixel once
#
# The scan writes one row per patch and band into the inventory. Of an archive that was scanned before
# it reads only what has changed, and a scan that was interrupted goes on where it stopped.

# %%
benkit.scan(archive, inventory_file)
metadata = pd.read_parquet(metadata_file)
print(f"{len(metadata)} patches in the metadata")

# %% [markdown]
# ## 2. Leave out what is damaged
#
# Every deviation is a finding, with its patch, band, kind and reason. Whoever trains on a patch half of
# which is NO_DATA teaches the model about zeros. Verbs take paths, or tables of pandas, polars, pyarrow
# and DuckDB; what they return is a table to each of these.

# %%
findings = pl.DataFrame(benkit.audit(inventory_file, metadata))
print(findings.group_by("kind").agg(pl.col("patch_id").n_unique().alias("patches")).sort("kind"))

sound = metadata[~metadata["patch_id"].isin(findings["patch_id"].to_list())]
print(f"{len(sound)} patches are sound")

# %% [markdown]
# ## 3. Split so that the test score means something
#
# Patches that show the same ground, on another date or in a neighbouring tile, are never on different
# sides. `benkit.evaluate` judges any split, also one of somebody else.

# %%
split = benkit.split(sound, test=0.25, validation=0.15, seed=0)
for side, patches in split.sides().items():
    print(f"{side}: {len(patches)} patches")
print(f"pairs of patches that share ground across sides: {split.evaluation.crossing_pairs}")
assert split.evaluation.crossing_pairs == 0

# %% [markdown]
# ## 4. Mean and standard deviation of the train side only
#
# Statistics over all patches would tell the model about the test side before the test. From the
# inventory, those of any side take no second look at the pixels.

# %%
train_statistics = benkit.stats(inventory_file, split=split, side="train")
for band, figures in train_statistics.bands.items():
    print(f"{band}: mean {figures.mean:8.2f}, standard deviation {figures.std:7.2f}")

# %% [markdown]
# ## 5. The table to train from
#
# One row per patch: where it lies on disk, its side, and its labels as a vector of the 19 classes in
# alphabetical order, as in the metadata.

# %%
classes = benkit.class_order("alphabetical")
ready = pl.DataFrame(
    {
        "patch_id": list(sound["patch_id"]),
        "folder": [f"{benkit.parse_patch_id(one).product}/{one}" for one in sound["patch_id"]],
        "side": split.side.tolist(),
        "target": [[float(name in labels) for name in classes] for labels in sound["labels"]],
    }
)
ready.write_parquet(folder / "ready.parquet")

# %% [markdown]
# A patch opens as xarray Datasets, one for each pixel size, whose bands know where they lie. So any tool
# that works with rioxarray goes on from here.

# %%
patch = benkit.open_patch(archive / ready["folder"][0])
red, near_infrared = patch[10]["B04"].astype(float), patch[10]["B08"].astype(float)
ndvi = (near_infrared - red) / (near_infrared + red)
print(f"NDVI of the first patch: {float(ndvi.mean()):.2f}, in {patch[10].rio.crs}")

# %% [markdown]
# ## 6. A data set for PyTorch
#
# A map-style data set is any object with `__len__` and `__getitem__`, so this class needs no import:
# hand it to `torch.utils.data.DataLoader` as it is. Bands with larger pixels are repeated to the
# 10 m grid, 120 x 120 pixels.


# %%
class PatchDataset:
    """Normalised patches of one side.

    Parameters
    ----------
    table : polars.DataFrame
        As made above.
    archive : Path
    side : str
        ``train``, ``validation`` or ``test``.
    bands : mapping of str to BandStatistics
        Mean and standard deviation of the train side, whatever the side.
    """

    def __init__(self, table, archive, side, bands):
        rows = table.filter(pl.col("side") == side)
        self.folders = [archive / folder for folder in rows["folder"]]
        self.targets = np.array(rows["target"].to_list(), np.float32)
        self.bands = bands

    def __len__(self):
        return len(self.folders)

    def __getitem__(self, index):
        """The (12, 120, 120) float32 picture, and its (19,) float32 vector of classes."""
        folder = self.folders[index]
        picture = np.empty((len(self.bands), 120, 120), np.float32)
        for layer, (band, figures) in zip(picture, self.bands.items(), strict=True):
            pixels = benkit.read_raster(folder / f"{folder.name}_{band}.tif").pixels[0]
            repeats = 120 // len(pixels)
            normalised = (pixels - figures.mean) / figures.std
            layer[:] = normalised.repeat(repeats, axis=0).repeat(repeats, axis=1)
        return picture, self.targets[index]


datasets = {
    side: PatchDataset(ready, archive, side, train_statistics.bands) for side in split.sides()
}

# %% [markdown]
# ## 7. What the model will see
#
# On the train side every band now has mean 0 and standard deviation 1. On the others not quite: they are
# other ground, and were not asked.

# %%
for side, dataset in datasets.items():
    pictures = np.stack([dataset[index][0] for index in range(len(dataset))])
    means = pictures.mean(axis=(0, 2, 3), dtype=np.float64)
    stds = pictures.std(axis=(0, 2, 3), dtype=np.float64)
    print(
        f"{side}: {len(dataset)} patches, means at most {abs(means).max():.3f} away from 0, "
        f"standard deviations at most {abs(stds - 1).max():.3f} away from 1"
    )
    if side == "train":
        assert np.allclose(means, 0, atol=1e-4)
        assert np.allclose(stds, 1, atol=1e-4)
