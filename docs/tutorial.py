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

# %% [markdown]
# ## 3. An archive without them
#
# `export` makes it of links, which take no room, beside its metadata, its inventory, and a list of what
# is left out and why.

# %%
export = benkit.export(
    archive, folder / "clean", metadata=metadata_file, exclude=findings, overwrite=True
)
clean = folder / "clean" / "BigEarthNet-S2"
sound = pd.read_parquet(folder / "clean" / "metadata.parquet")
print(f"{export.patches} patches are sound, {export.left_out} are left out")

# %% [markdown]
# ## 4. Split so that the test score means something
#
# Patches that show the same ground, on another date or in a neighbouring tile, are never on different
# sides. `benkit.evaluate` judges any split, also one of somebody else: here one at random, as it is
# often done.

# %%
split = benkit.split(sound, test=0.3, seed=0)
for side, patches in split.sides().items():
    print(f"{side}: {len(patches)} patches")
print(f"pairs of patches that share ground across sides: {split.evaluation.crossing_pairs}")
assert split.evaluation.crossing_pairs == 0

mixed = np.random.default_rng(0).permutation(sound["patch_id"])
count = len(split.sides()["train"])
at_random = benkit.Split({"train": mixed[:count], "test": mixed[count:]})
judged = benkit.evaluate(at_random, sound)
print(f"in a random split: {judged.crossing_pairs}")

# %% [markdown]
# ## 5. Mean and standard deviation of the train side only
#
# Statistics over all patches would tell the model about the test side before the test. From the
# inventory, those of any side take no second look at the pixels.

# %%
inventory = folder / "clean" / "inventory.parquet"
train_statistics = benkit.stats(inventory, split=split, side="train")
for band, figures in train_statistics.bands.items():
    print(f"{band}: mean {figures.mean:8.2f}, standard deviation {figures.std:7.2f}")

# %% [markdown]
# ## 6. A data set
#
# `PatchDataset` reads the patches straight from the files, where the inventory says that their pixels
# begin. `torch.utils.data.DataLoader` takes it as it is, as do the loaders of other frameworks: a patch
# is a dict of NumPy arrays. On the train side every band has mean 0 and standard deviation 1; on the
# test side not quite: it is other ground, and was not asked.


# %%
def dataset_of(split, side):
    """The images and labels of one side."""
    return benkit.PatchDataset(
        inventory,
        clean,
        split=split,
        side=side,
        size=120,
        resampling="bilinear",
        normalise=train_statistics,
        labels=sound,
        order="nomenclature",
    )


for side in split.sides():
    images = np.stack([item["image"] for item in dataset_of(split, side)])
    means = images.mean(axis=(0, 2, 3), dtype=np.float64)
    print(
        f"{side}: {len(images)} images {images.shape[1:]}, means at most {abs(means).max():.3f} from 0"
    )

# %% [markdown]
# ## 7. A model, and what its score is worth
#
# A linear model of the mean and spread of each band: least squares, with a little of a penalty. Its F1
# score on the test side stands beside that on the random split, and beside no model at all: each test
# patch has the labels of the nearest train patch. Where a test patch is its train patch on another day,
# that alone scores well; a split that keeps them apart shows what is learnt.


# %%
def features_and_labels(split, side):
    """Mean and standard deviation of each band, and 1 for each class that a patch has."""
    items = list(dataset_of(split, side))
    images = np.stack([item["image"] for item in items]).astype(np.float64)
    features = np.hstack([images.mean((2, 3)), images.std((2, 3)), np.ones((len(images), 1))])
    return features, np.stack([item["labels"] for item in items])


def f1(found, right):
    """Of all patches and classes together."""
    return 2 * (found & right).sum() / max(found.sum() + right.sum(), 1)


for name, one, evaluation in ("benkit", split, split.evaluation), ("random", at_random, judged):
    features, labels = features_and_labels(one, "train")
    penalty = np.eye(features.shape[1])
    weights = np.linalg.solve(features.T @ features + penalty, features.T @ labels)
    features, labels = features_and_labels(one, "test")
    score = f1(features @ weights > 0.4, labels > 0)
    copied = evaluation.sides["test"].copy_f1
    print(
        f"{name} split: F1 of the model {score:.2f}, of copying the nearest train patch {copied:.2f}"
    )
