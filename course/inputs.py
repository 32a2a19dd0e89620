"""Where the facts of the report come from, and what they are asked with."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "data"
METADATA = SHARED / "metadata.parquet"
PATCH = "S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP_75_43"
PROJECT = ROOT / "pyproject.toml"
PATCHES, SEED = 5000, 7
TEST = 0.25
BUFFERS = (2500, 10000)
