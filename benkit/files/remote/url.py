"""URLs of remote files: their parts, and what they must not hold."""

import os
import re
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from benkit.errors import OptionError

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://(.*)", re.DOTALL)
_CREDENTIALS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/+[^/?#\s]*:[^/?#\s]*@")
_SECRET_OPTION = re.compile("key|secret|token|passw|sas|sig|credential", re.IGNORECASE)
_WEB = ("http", "https")
_OPTIONS = {
    "s3": ("anonymous", "endpoint_override", "region", "scheme"),
    "gs": ("anonymous", "endpoint_override", "scheme"),
    **dict.fromkeys(_WEB, ()),
}
_NO_CREDENTIALS = (
    "{}://...: expected a URL without user and password; give them through the environment "
    "(docs/remote.md says how)"
)


class ParsedUrl(NamedTuple):
    """The parts of a URL, as a `RemotePath` has them."""

    scheme: str
    host: str
    path: str
    options: tuple[tuple[str, str], ...] = ()


def parse_url(text: str) -> ParsedUrl | None:
    """The parts of a URL; None if a text is no URL.

    Raises
    ------
    OptionError
        If it holds credentials, which are not repeated, or an option that is not known.

    Examples
    --------
    >>> parse_url("s3://bucket/archive/?region=eu-west-1")
    ParsedUrl(scheme='s3', host='bucket', path='archive', options=(('region', 'eu-west-1'),))
    """
    matched = _URL.fullmatch(text)
    if not matched:
        return None
    refuse_credentials(text)
    scheme, rest = matched[1].lower(), matched[2]
    scheme = "gs" if scheme == "gcs" else scheme
    rest, _, query = rest.partition("?")
    host, _, path = rest.partition("/")
    if scheme == "file":
        return ParsedUrl(scheme, "", unquote(path))
    if scheme in _WEB:
        path = unquote(path.partition("#")[0])
    options = _options(scheme, query)
    if "@" in host and scheme in _OPTIONS:
        user, _, host = host.rpartition("@")
        if (scheme, user) != ("gs", "anonymous"):
            raise OptionError(_NO_CREDENTIALS.format(scheme))
        options["anonymous"] = "true"
    if not host and scheme in _OPTIONS:
        raise OptionError(f"{scheme}://: expected a {'host' if scheme in _WEB else 'bucket'} name")
    return ParsedUrl(scheme, host, path.strip("/"), tuple(sorted(options.items())))


def refuse_credentials(text: str) -> None:
    """Refuse a text with a user and a password in a URL, without repeating it."""
    if found := _CREDENTIALS.search(text):
        raise OptionError(_NO_CREDENTIALS.format(found[0].partition(":")[0]))


def _options(scheme: str, query: str) -> dict[str, str]:
    """Options behind the ``?``; and the endpoint that the environment names."""
    options = {}
    known = _OPTIONS.get(scheme)
    for pair in filter(None, query.split("&")):
        name, _, value = pair.partition("=")
        if _SECRET_OPTION.search(name):
            raise OptionError(_NO_CREDENTIALS.format(scheme))
        if known is not None and name not in known:
            raise OptionError(
                f"{scheme}://...: expected {' or '.join(known) or 'nothing'} behind the ?, but "
                "there is something else"
            )
        options[name] = unquote(value)
    if scheme == "s3" and "endpoint_override" not in options:
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        if endpoint:
            if urlsplit(endpoint).username or urlsplit(endpoint).password:
                raise OptionError(_NO_CREDENTIALS.format("AWS_ENDPOINT_URL"))
            options["endpoint_override"] = endpoint
    return options
