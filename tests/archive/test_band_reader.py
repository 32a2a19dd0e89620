"""The reader of many band files at once, where an archive has more headers than it remembers."""

from pathlib import Path

import numpy as np
import pytest

from benkit.archive.band_reader import BandFileReader
from benkit.archive.listing import PatchFolder
from benkit.domain.layouts import BIGEARTHNET_S2
from benkit.tiff.plain import encode

PRODUCT = "S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP"


@pytest.mark.parametrize(("headers", "sizes"), [(1, 1), (2, 3), (128, 256)])
def test_files_with_headers_of_their_own_are_read_all_the_same(tmp_path, headers, sizes):
    patches = [PatchFolder(PRODUCT, f"{PRODUCT}_{column:02d}_00") for column in range(60)]
    for number, patch in enumerate(patches):
        write_band(tmp_path, patch, number)
    reader = BandFileReader(tmp_path, sizes=sizes, headers_of_a_size=headers)
    for _ in range(2):
        for start in range(0, len(patches), 20):
            band = reader.read(patches[start : start + 20]).bands["B02"]
            seen = {
                start + int(row): (found.epsg, found.nodata, int(pixels[0, 0]), *corner)
                for group in band.plain
                for found in [group.header.profile]
                for row, pixels, corner in zip(group.rows, group.pixels, group.corners, strict=True)
            }
            expected = range(start, start + 20)
            assert seen == {n: (32601 + n, n % 3, n, 1000.0 * n, 2000.0 * n) for n in expected}
            assert band.others == ()
    assert len(reader.headers) <= sizes
    assert max(map(len, reader.headers.values())) <= headers


def write_band(archive: Path, patch: PatchFolder, number: int) -> None:
    """Give a patch one small band in a zone, a size and with a corner of its own."""
    folder = archive / patch.product / patch.patch_id
    folder.mkdir(parents=True)
    pixels = np.full((2 + number % 7, 3), number, np.uint16)
    content = encode(
        pixels,
        epsg=32601 + number,
        x=1000 * number,
        y=2000 * number,
        pixel_size=10,
        nodata=number % 3,
    )
    (folder / BIGEARTHNET_S2.band_file(patch.patch_id, "B02")).write_bytes(content)
