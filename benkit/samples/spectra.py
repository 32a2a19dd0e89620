"""Reflectance of each kind of land cover in each band and season.

Every CLC code is a mixture of two materials, a green one and another between it. The values are
rounded from what Sentinel-2 Level-2A shows of such ground in Europe; they are plausible, not measured.
"""

import numpy as np
from numpy.typing import NDArray

from benkit.domain.classes import CODE_LIMIT
from benkit.domain.layouts import BIGEARTHNET_S2

# B01, B02, B03, B04, B05, B06, B07, B08, B8A, B09, B11, B12; in 1/10,000.
_MATERIALS = {
    "soil": (480, 680, 980, 1280, 1500, 1680, 1830, 1950, 2100, 2150, 2750, 2250),
    "litter": (260, 340, 520, 580, 850, 1150, 1300, 1400, 1550, 1600, 1750, 1150),
    "crop": (230, 330, 680, 380, 1080, 2750, 3350, 3500, 3700, 3700, 1900, 950),
    "broadleaf": (170, 230, 500, 260, 830, 2500, 3150, 3300, 3450, 3450, 1550, 700),
    "conifer": (130, 180, 330, 210, 500, 1400, 1700, 1800, 1900, 1900, 850, 380),
    "heath": (220, 310, 500, 470, 850, 1600, 1850, 1950, 2100, 2100, 1900, 1100),
    "reed": (230, 310, 520, 430, 850, 1550, 1850, 1950, 2050, 2050, 1250, 650),
    "water": (360, 310, 270, 160, 140, 110, 100, 90, 80, 70, 40, 30),
    "sealed": (880, 1080, 1230, 1330, 1430, 1580, 1680, 1780, 1830, 1850, 2050, 1800),
    "sand": (1250, 1550, 1950, 2250, 2400, 2500, 2550, 2650, 2700, 2700, 3300, 2900),
}

# Codes: green material, the other one, share of green in 1/256 in spring, summer, fall, winter, and
# how much it varies.
_GROUND = {
    (111, 121, 122, 123, 124): ("crop", "sealed", (30, 35, 25, 15), 60),
    (112, 141, 142): ("crop", "sealed", (100, 120, 90, 60), 120),
    (131, 132, 133, 331): ("crop", "sand", (20, 25, 15, 10), 50),
    (211, 212, 213): ("crop", "soil", (150, 170, 80, 70), 240),
    (221, 222, 223, 241): ("broadleaf", "soil", (110, 140, 110, 60), 100),
    (231, 242): ("crop", "litter", (190, 200, 170, 120), 110),
    (243, 244, 321, 324): ("broadleaf", "litter", (140, 170, 120, 70), 120),
    (311,): ("broadleaf", "litter", (150, 245, 150, 30), 60),
    (312,): ("conifer", "litter", (235, 245, 240, 230), 50),
    (313,): ("broadleaf", "conifer", (110, 150, 110, 60), 100),
    (322, 323): ("heath", "litter", (180, 210, 190, 160), 120),
    (332, 333, 334, 335): ("heath", "sand", (60, 90, 60, 40), 90),
    (411, 412, 421, 422, 423): ("reed", "water", (170, 200, 170, 140), 120),
    (511, 512, 521, 522, 523): ("reed", "water", (3, 6, 4, 2), 8),
}

_BANDS = len(BIGEARTHNET_S2.bands)

GREEN: NDArray[np.int32] = np.zeros((_BANDS, CODE_LIMIT), np.int32)
"""Reflectance of the green material of each code: (bands, codes)."""

BARE: NDArray[np.int32] = np.zeros((_BANDS, CODE_LIMIT), np.int32)
"""Reflectance of the other material of each code: (bands, codes)."""

GREENNESS: NDArray[np.int32] = np.zeros((4, CODE_LIMIT), np.int32)
"""Share of the green material in 1/256: (seasons, codes)."""

SPREAD: NDArray[np.int32] = np.zeros(CODE_LIMIT, np.int32)
"""How much that share varies within a code, in 1/256: (codes,)."""

for _codes, (_green, _other, _shares, _spread) in _GROUND.items():
    GREEN[:, list(_codes)] = np.array(_MATERIALS[_green])[:, np.newaxis]
    BARE[:, list(_codes)] = np.array(_MATERIALS[_other])[:, np.newaxis]
    GREENNESS[:, list(_codes)] = np.array(_shares)[:, np.newaxis]
    SPREAD[list(_codes)] = _spread
