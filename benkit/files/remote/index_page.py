"""Index pages that web servers write of their folders.

nginx (autoindex), Apache (mod_autoindex) and ``python -m http.server`` write such pages. Only links to
what lies directly in the folder count; nothing leads out of it or to another server.
"""

from html.parser import HTMLParser
from urllib.parse import unquote, urljoin, urlsplit

from benkit.files.remote.service import Entry


def entries_of_page(page: str, url: str) -> list[Entry]:
    """Files and folders that an index page lists, sorted; its ``url`` ends with ``/``.

    Links to elsewhere, to the folder itself and to the page in another order are left out.

    Examples
    --------
    >>> page = '<a href="../">up</a> <a href="a%20b.tif">a b</a> <a href="https://x.org/c">c</a>'
    >>> [entry.name for entry in entries_of_page(page, "https://example.org/data/")]
    ['a b.tif']
    """
    parser = _Links()
    parser.feed(page)
    folder = urlsplit(url)
    found = set()
    for link in parser.links:
        try:
            target = urlsplit(urljoin(url, link.strip()))
        except ValueError:
            continue
        path, start = unquote(target.path), unquote(folder.path)
        same_server = (target.scheme, target.netloc) == (folder.scheme, folder.netloc)
        if target.query or target.fragment or not same_server or not path.startswith(start):
            continue
        name = path.removeprefix(start)
        is_folder = name.endswith("/")
        name = name.removesuffix("/")
        if name and name not in (".", "..") and "/" not in name and "\0" not in name:
            found.add(Entry(name, is_folder))
    return sorted(found, key=lambda entry: (entry.name, entry.is_folder))


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.links += [value for name, value in attrs if name == "href" and value]
