"""The products and landscapes of which samples are made.

The products are real ones of BigEarthNet v2.0, with the Sentinel-1 scene that the official metadata
names beside each, so that names, tiles, dates and countries fit together. What the sample shows in
them is made up.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Region:
    """CLC codes of a landscape.

    Attributes
    ----------
    covers : tuple of three tuples of four int
        Wild, mixed and tilled ground, four kinds of each.
    water, shore, coast : int
        Water, the ground beside it, and the ground beside that.
    """

    covers: tuple[tuple[int, int, int, int], ...]
    water: int
    shore: int
    coast: int


@dataclass(frozen=True)
class SampleProduct:
    """A product to take patches from.

    Attributes
    ----------
    name : str
        Of the product.
    anchor : str
        ``<tile>_<column>_<row>``: the patch around which patches are taken. Its UTM zone is the one
        in which the ground is made up; products with the same anchor show the same ground.
    country : str
    region : str
        One of `REGIONS`.
    radar : str
        Start of the names of the Sentinel-1 patches.
    """

    name: str
    anchor: str
    country: str
    region: str
    radar: str


REGIONS = {
    "north": Region(
        ((312, 324, 313, 312), (311, 313, 312, 322), (211, 231, 312, 243)), 512, 411, 412
    ),
    "baltic": Region(
        ((312, 313, 311, 324), (243, 311, 231, 242), (211, 211, 231, 222)), 512, 411, 411
    ),
    "balkan": Region(
        ((311, 321, 324, 311), (243, 242, 231, 311), (211, 211, 222, 242)), 511, 411, 331
    ),
    "alpine": Region(
        ((312, 333, 312, 322), (313, 231, 311, 324), (211, 231, 243, 242)), 512, 331, 231
    ),
    "southern": Region(
        ((311, 323, 312, 324), (244, 243, 321, 242), (213, 223, 212, 221)), 523, 331, 421
    ),
    "atlantic": Region(
        ((322, 311, 324, 312), (231, 231, 243, 321), (231, 211, 231, 242)), 523, 423, 421
    ),
}
"""Regions by name."""

_SITES = {
    "35ULA_33_29": ("Lithuania", "baltic"),
    "34TCR_45_04": ("Serbia", "balkan"),
    "35VPK_85_05": ("Finland", "north"),
    "29SND_40_86": ("Portugal", "southern"),
    "33TXN_30_05": ("Austria", "alpine"),
    "29UPV_30_86": ("Ireland", "atlantic"),
    "35ULB_85_45": ("Lithuania", "baltic"),
}
"""Country and region of each anchor."""


def _product(name: str, anchor: str, radar: str) -> SampleProduct:
    mission, time = radar.split()
    country, region = _SITES[anchor]
    return SampleProduct(name, anchor, country, region, f"{mission}_IW_GRDH_1SDV_{time}")


PRODUCTS = tuple(
    _product(*row)
    for row in (
        ("S2B_MSIL2A_20170808T094029_N9999_R036_T35ULA", "35ULA_33_29", "S1A 20170808T043524"),
        ("S2A_MSIL2A_20170803T094031_N9999_R036_T34TCR", "34TCR_45_04", "S1A 20170802T163350"),
        ("S2A_MSIL2A_20171002T094031_N9999_R036_T34TCR", "34TCR_45_04", "S1B 20170929T045327"),
        ("S2B_MSIL2A_20171206T094349_N9999_R036_T34TCR", "34TCR_45_04", "S1B 20171206T163254"),
        ("S2A_MSIL2A_20180430T094031_N9999_R036_T34TCR", "34TCR_45_04", "S1B 20180429T163254"),
        ("S2B_MSIL2A_20170719T094029_N9999_R036_T34TCS", "34TCR_45_04", "S1B 20170719T045324"),
        ("S2A_MSIL2A_20170701T093031_N9999_R136_T35VPK", "35VPK_85_05", "S1B 20170629T153202"),
        ("S2B_MSIL2A_20170924T093019_N9999_R136_T36VVQ", "35VPK_85_05", "S1A 20170922T152425"),
        ("S2B_MSIL2A_20170716T093039_N9999_R136_T36VVR", "35VPK_85_05", "S1B 20170716T042348"),
        ("S2A_MSIL2A_20170704T112111_N9999_R037_T29SND", "29SND_40_86", "S1B 20170701T182622"),
        ("S2A_MSIL2A_20170813T112121_N9999_R037_T29SNC", "29SND_40_86", "S1A 20170812T182647"),
        ("S2A_MSIL2A_20171121T112351_N9999_R037_T29SND", "29SND_40_86", "S1B 20171121T064205"),
        ("S2B_MSIL2A_20180515T112109_N9999_R037_T29SND", "29SND_40_86", "S1B 20180515T063356"),
        ("S2B_MSIL2A_20171219T095409_N9999_R079_T33TXN", "33TXN_30_05", "S1B 20171220T050912"),
        ("S2B_MSIL2A_20180428T095029_N9999_R079_T33TXN", "33TXN_30_05", "S1A 20180428T164218"),
        ("S2A_MSIL2A_20171015T095031_N9999_R079_T33UXP", "33TXN_30_05", "S1A 20171015T050950"),
        ("S2A_MSIL2A_20180225T114351_N9999_R123_T29UPU", "29UPV_30_86", "S1B 20180225T063817"),
        ("S2A_MSIL2A_20170717T113321_N9999_R080_T29UPV", "29UPV_30_86", "S1B 20170717T064630"),
        ("S2B_MSIL2A_20180421T114349_N9999_R123_T29UPU", "29UPV_30_86", "S1A 20180420T063917"),
        ("S2B_MSIL2A_20171112T114339_N9999_R123_T29UPU", "29UPV_30_86", "S1B 20171112T181343"),
        ("S2B_MSIL2A_20170927T094019_N9999_R036_T35ULB", "35ULB_85_45", "S1A 20170928T161150"),
        ("S2B_MSIL2A_20170924T093019_N9999_R136_T35UMB", "35ULB_85_45", "S1B 20170924T155448"),
        ("S2A_MSIL2A_20180318T093031_N9999_R136_T35UMB", "35ULB_85_45", "S1B 20180318T043418"),
    )
)
"""Products, in the order in which small samples take patches from them."""
