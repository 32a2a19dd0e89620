"""Descriptions of layouts: what is read from them, and what is refused."""

import pickle

import pytest

from benkit.domain.layouts import BIGEARTHNET_S2, BUILT_IN, built_in, parse_layout
from benkit.errors import InputFormatError
from tests.conftest import ROOT

OWN = """\
name = "own"
folder = "{region}/{patch}"
file = "{patch}_{band}.tif"
tells = "{mission}_{date}_{tile}_{column}_{row}"
grid_metres = 2560

[every_band]
size = [256, 128]
dtype = "float32"
range = [-1, 1]

[bands]
red = {}
nir = { size = 64, nodata = -9999, unit = "reflectance", scale = 0.0001, offset = -1000 }
"""


def test_bands_take_what_holds_for_all_and_say_the_rest():
    red, nir = parse_layout(OWN, "own.toml").bands.values()
    assert (red.width, red.height, red.dtype, red.nodata, red.range) == (
        256, 128, "float32", None, (-1, 1),
    )  # fmt: skip
    assert (nir.name, nir.width, nir.height, nir.nodata) == ("nir", 64, 64, -9999)
    assert (nir.unit, nir.scale, nir.offset, red.scale) == ("reflectance", 0.0001, -1000, 1)


def test_names_tell_their_parts():
    layout = parse_layout(OWN, "own.toml")
    assert layout.parts("S1_20200131_33UUP_7_12") == {
        "mission": "S1", "date": "20200131", "tile": "33UUP", "column": "7", "row": "12",
    }  # fmt: skip
    for other in ("S1_2020131_33UUP_7_12", "S1_20200131_33IUP_7_12", "S1_20200131_33UUP_7_x", ""):
        assert layout.parts(other) is None
    assert layout.band_files("a") == ["a_red.tif", "a_nir.tif"]


def test_a_file_of_all_bands_names_its_patch():
    layout = built_in("eurosat-ms")
    assert layout.patch_of_file("Pasture_3.tif") == "Pasture_3"
    assert layout.patch_of_file("Pasture_3.tif.aux.xml") is None
    assert layout.belongs("Pasture", "Pasture_3")
    assert not layout.belongs("Forest", "Pasture_3")


def test_patches_belong_to_the_product_that_their_names_begin_with():
    product = "S1A_IW_GRDH_1SDV_20170613T165043"
    layout = built_in("bigearthnet-s1")
    assert layout.belongs(product, f"{product}_33UUP_70_48")
    assert not layout.belongs(product[:-7], f"{product}_33UUP_70_48")
    assert not layout.belongs(product[:-1] + "4", f"{product}_33UUP_70_48")


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_layout_is_the_same_in_another_process(name):
    layout = built_in(name)
    assert layout.name == name
    assert pickle.loads(pickle.dumps(layout)) is layout


def test_an_own_layout_is_the_same_in_another_process():
    again = pickle.loads(pickle.dumps(parse_layout(OWN, "own.toml")))
    assert again.name == "own"
    assert again.bands["nir"] == parse_layout(OWN, "own.toml").bands["nir"]


REFUSED = {
    'name = "own"\n': ("name = own\n", r"own.toml: expected a layout as TOML, but .*line 1"),
    'folder = "{region}/{patch}"\n': ("", "key folder: expected a text, but there is nothing"),
    '"{region}/{patch}"': ('"region/{patch}"', "key folder: expected one name in braces a level"),
    '"{region}/{patch}"\n': ('"{region}"\n', r"key folder: expected \{patch\} as its last level"),
    '"{patch}_{band}.tif"': ('"{scene}_{band}.tif"', r"key file: expected only \{patch\}, "),
    '"{patch}_{band}.tif"\n': ('"{band}"/x\n', "line 3"),
    "_{row}": ("", r"key tells: expected \{tile\}, \{column\} and \{row\}"),
    "grid_metres = 2560": ("grid_meters = 2560", "key grid_meters: expected one of the keys"),
    "2560": ("-1", "key grid_metres: expected a number above 0, but there is -1"),
    "[256, 128]": ("[256]", r"key bands.red.size: expected the pixels of a side"),
    "[256, 128] ": ("2.5", "key bands.red.size"),
    '"float32"': ('"float16"', "key bands.red.dtype: expected one of uint8"),
    "[-1, 1]": ('"wide"', r"key bands.red.range: expected \[least, greatest\]"),
    "red = {}": ("red = 3", r"key bands.red: expected a table, such as \{ size = 120 \}"),
    "unit": ("units", "key bands.nir.units: expected one of the keys"),
    '"reflectance"': ('"dn"', "key bands.nir.unit: expected one of digital number"),
}


@pytest.mark.parametrize("line", REFUSED)
def test_a_wrong_description_is_refused_by_its_key(line):
    changed, message = REFUSED[line]
    assert line.strip() in OWN
    with pytest.raises(InputFormatError, match=message):
        parse_layout(
            OWN.replace(line.strip("\n ") + "\n" * line.endswith("\n"), changed), "own.toml"
        )


def test_labels_need_a_place_and_bands_a_number_of_bits():
    with pytest.raises(InputFormatError, match=r"key labels: expected the part \{class\}"):
        parse_layout(f'labels = "class"\n{OWN}', "own.toml")
    with pytest.raises(InputFormatError, match="key labels_file"):
        parse_layout(f'labels = "json"\n{OWN}', "own.toml")
    many = OWN + "".join(f"b{number} = {{}}\n" for number in range(61))
    with pytest.raises(
        InputFormatError, match="key bands: expected at most 62 bands, but there is 63"
    ):
        parse_layout(many, "own.toml")


def test_the_documents_name_every_built_in_layout_and_describe_one():
    text = (ROOT / "docs" / "layouts.md").read_text("utf-8")
    assert all(f"`{name}`" in text for name in BUILT_IN)
    example = text.partition("```toml\n")[2].partition("```")[0]
    assert list(parse_layout(example, "layouts.md").bands) == ["red", "green", "blue", "nir"]


def test_the_first_layout_is_that_of_the_twelve_bands():
    assert [band.side for band in BIGEARTHNET_S2.bands.values()] == [
        20, 120, 120, 120, 60, 60, 60, 120, 60, 20, 60, 60,
    ]  # fmt: skip


def test_names_of_version_1_are_known_also_where_the_hour_lacks_its_zero():
    for name in ("S2A_MSIL2A_20170613T101031_75_43", "S2A_MSIL2A_20170905T95032_0_1"):
        parts = built_in("bigearthnet-v1-s2").parts(name)
        assert parts is not None
        assert "_".join(["S2A_MSIL2A", parts["date"], parts["column"], parts["row"]]) == name


@pytest.mark.parametrize(
    ("bands", "colours", "expected"),
    [
        ("B2 B3 B4 B8", "", (("B4", "B3", "B2"), ("B8", "B4", "B3"), ())),
        ("B02 B03 B04 B08", "", (("B04", "B03", "B02"), ("B08", "B04", "B03"), ())),
        ("Blue Green Red", "", (("Red", "Green", "Blue"), (), ())),
        ("x y z NIR", 'colours = ["z", "x", "y"]', (("z", "x", "y"), ("NIR", "z", "x"), ())),
        ("VV VH", "", ((), (), ("VV", "VH"))),
        ("B03 B04", "", ((), (), ())),
    ],
)
def test_the_bands_of_colours_are_named_or_known_by_their_names(bands, colours, expected):
    text = f'name = "a"\nfolder = "{{patch}}"\nfile = "{{band}}.tif"\n{colours}\n[bands]\n'
    layout = parse_layout(text + "\n".join(f"{one} = {{ size = 4 }}" for one in bands.split()), "a")
    assert (layout.true_colour, layout.false_colour, layout.radar) == expected


def test_colours_that_are_no_three_bands_are_refused():
    text = (
        'name = "a"\nfolder = "{patch}"\nfile = "{band}.tif"\ncolours = ["x", "y", "q"]\n[bands]\n'
    )
    bands = "\n".join(f"{one} = {{ size = 4 }}" for one in "xyz")
    with pytest.raises(InputFormatError, match="key colours: expected the names of three bands"):
        parse_layout(text + bands, "a")
