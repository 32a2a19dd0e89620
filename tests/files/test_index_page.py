import pytest

from benkit.files.remote.index_page import entries_of_page
from benkit.files.remote.service import Entry

NGINX = """<html><head><title>Index of /a/</title></head><body><h1>Index of /a/</h1><hr><pre>
<a href="../">../</a>
<a href="product/">product/</a>                    24-Nov-2026 06:00     -
<a href="b%20%26%20c%C3%A4.tif">b &amp; cä.tif</a>   24-Nov-2026 06:00  1172
</pre><hr></body></html>"""
APACHE = """<table><tr><th><a href="?C=N;O=D">Name</a></th><th><a href="?C=M;O=A">Last modified</a></th>
</tr><tr><td><a href="/">Parent Directory</a></td></tr>
<tr><td><a href="product/">product/</a></td></tr>
<tr><td><a href="b%20%26%20c%C3%A4.tif">b &amp; c..&gt;</a></td></tr></table>"""
PYTHON = """<ul><li><a href="b%20%26%20c%C3%A4.tif">b &amp; cä.tif</a></li>
<li><a href="product/">product/</a></li></ul>"""
ABSOLUTE = """<a href="/a/product/">x</a><a href="https://host/a/b%20&amp;%20c%C3%A4.tif">y</a>"""


@pytest.mark.parametrize("page", [NGINX, APACHE, PYTHON, ABSOLUTE])
def test_pages_of_known_servers(page):
    assert entries_of_page(page, "https://host/a/") == [
        Entry("b & cä.tif", False),
        Entry("product", True),
    ]


@pytest.mark.parametrize(
    "link",
    [
        "../x", "/x", "/a/../x", "a/b", "a/b/", "https://other/a/x", "//other/a/x", "..%2Fx", "%2e%2e/",
        "http://host/a/x", "file:///a/x", "javascript:x", "x?y", "x#y", "a%00b", "", "./", "/a/",
        "https://[broken/a/x", "..", ".", "/b/x", "https://host:8443/a/x",
    ],
)  # fmt: skip
def test_nothing_leads_out_of_the_folder(link):
    assert entries_of_page(f'<a href="{link}">x</a>', "https://host/a/") == []
