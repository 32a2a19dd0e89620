"""From CORINE Land Cover codes to the 19 classes of BigEarthNet.

Reference maps hold CLC 2018 level-3 codes. BigEarthNet joins them into 19 classes and leaves out
codes that cannot be told apart in Sentinel-2 images or are not land cover: these are `UNLABELED`.

Source: the 19-class nomenclature of BigEarthNet (https://arxiv.org/abs/2105.07921, table 1) as used
by BigEarthNet v2.0 (https://arxiv.org/abs/2407.03653).
"""

from collections.abc import Iterable

from benkit.errors import OptionError

CODE_LIMIT = 1000
"""CLC level-3 codes have three digits."""

UNLABELED = "UNLABELED"
"""Name for codes that belong to none of the 19 classes."""

_CODES_OF_CLASS = {
    "Agro-forestry areas": (244,),
    "Arable land": (211, 212, 213),
    "Beaches, dunes, sands": (331,),
    "Broad-leaved forest": (311,),
    "Coastal wetlands": (421, 422),
    "Complex cultivation patterns": (242,),
    "Coniferous forest": (312,),
    "Industrial or commercial units": (121,),
    "Inland waters": (511, 512),
    "Inland wetlands": (411, 412),
    "Land principally occupied by agriculture, with significant areas of natural vegetation": (
        243,
    ),
    "Marine waters": (521, 522, 523),
    "Mixed forest": (313,),
    "Moors, heathland and sclerophyllous vegetation": (322, 323),
    "Natural grassland and sparsely vegetated areas": (321, 333),
    "Pastures": (231,),
    "Permanent crops": (221, 222, 223, 241),
    "Transitional woodland, shrub": (324,),
    "Urban fabric": (111, 112),
}

UNLABELED_CODES = (122, 123, 124, 131, 132, 133, 141, 142, 332, 334, 335, 423, 999)
"""The codes that belong to none of the 19 classes; 999 is ground without a CLC code."""

CLASSES = tuple(_CODES_OF_CLASS)
"""The 19 classes, sorted by name as in the ``labels`` of the metadata."""

CLC_TO_CLASS = {
    code: name for name, codes in _CODES_OF_CLASS.items() for code in codes
} | dict.fromkeys(UNLABELED_CODES, UNLABELED)
"""The class, or `UNLABELED`, of every known code."""


def class_order(order: str) -> tuple[str, ...]:
    """The 19 classes in an order, which models and their weights depend on.

    Parameters
    ----------
    order : str
        ``alphabetical``: by name, as in the ``labels`` of the metadata. ``nomenclature``: by CLC code,
        from urban fabric to marine waters, as the publications list them.

    Raises
    ------
    OptionError
        If it is neither.

    Examples
    --------
    >>> class_order("alphabetical")[:2], class_order("nomenclature")[:2]
    (('Agro-forestry areas', 'Arable land'), ('Urban fabric', 'Industrial or commercial units'))
    """
    if order == "alphabetical":
        return CLASSES
    if order == "nomenclature":
        return tuple(sorted(CLASSES, key=lambda name: min(_CODES_OF_CLASS[name])))
    raise OptionError(f"expected the order alphabetical or nomenclature, but it is {order!r}")


def classes_of_codes(codes: Iterable[int]) -> tuple[str, ...]:
    """The classes of some CLC codes, each once, sorted by name, without `UNLABELED`.

    Examples
    --------
    >>> classes_of_codes([312, 211, 212, 142])
    ('Arable land', 'Coniferous forest')
    """
    unique = set(codes)
    unknown = sorted(unique - CLC_TO_CLASS.keys())
    if unknown:
        raise ValueError(
            f"{', '.join(map(str, unknown))} is no CLC 2018 level-3 code; "
            "expected codes such as 111 or 523, or 999 for ground without one"
        )
    return tuple(sorted({CLC_TO_CLASS[code] for code in unique} - {UNLABELED}))
