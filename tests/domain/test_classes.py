import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from benkit.domain.classes import CLASSES, CLC_TO_CLASS, UNLABELED, class_order, classes_of_codes
from tests.course import oracle

# CLC 2018 level 3 has 44 classes; 523 is the last.
CLC_LEVEL_3 = {
    *(111, 112, 121, 122, 123, 124, 131, 132, 133, 141, 142),
    *(211, 212, 213, 221, 222, 223, 231, 241, 242, 243, 244),
    *(311, 312, 313, 321, 322, 323, 324, 331, 332, 333, 334, 335),
    *(411, 412, 421, 422, 423, 511, 512, 521, 522, 523),
}


def test_every_code_of_clc_and_999_has_a_class():
    assert CLC_TO_CLASS.keys() == CLC_LEVEL_3 | {999}


def test_every_code_has_the_class_that_an_independent_table_gives_it():
    expected = {code: name for name, codes in oracle.CODES.items() for code in codes}
    assert expected | dict.fromkeys(oracle.UNLABELED, UNLABELED) == CLC_TO_CLASS


def test_classes_are_those_of_the_official_metadata(shared_data):
    labels = pq.read_table(shared_data / "metadata.parquet", columns=["labels"])["labels"]
    assert set(pc.list_flatten(labels).unique().to_pylist()) == set(CLASSES)
    assert list(CLASSES) == sorted(CLASSES)
    assert len(CLASSES) == 19


def test_classes_are_ordered_by_name_or_as_the_publications_list_them():
    assert class_order("alphabetical") == tuple(sorted(oracle.CODES))
    assert class_order("nomenclature") == (
        "Urban fabric",
        "Industrial or commercial units",
        "Arable land",
        "Permanent crops",
        "Pastures",
        "Complex cultivation patterns",
        "Land principally occupied by agriculture, with significant areas of natural vegetation",
        "Agro-forestry areas",
        "Broad-leaved forest",
        "Coniferous forest",
        "Mixed forest",
        "Natural grassland and sparsely vegetated areas",
        "Moors, heathland and sclerophyllous vegetation",
        "Transitional woodland, shrub",
        "Beaches, dunes, sands",
        "Inland wetlands",
        "Coastal wetlands",
        "Inland waters",
        "Marine waters",
    )
    with pytest.raises(ValueError, match="alphabetical or nomenclature, but it is 'size'"):
        class_order("size")


def test_codes_of_one_class_count_once_and_unlabeled_not_at_all():
    assert classes_of_codes([111, 112, 111]) == ("Urban fabric",)
    assert classes_of_codes([999, 132]) == ()
    assert UNLABELED not in classes_of_codes(CLC_TO_CLASS)


def test_unknown_codes_are_named():
    with pytest.raises(ValueError, match="0, 113 is no CLC"):
        classes_of_codes([111, 113, 0])
