"""The services that serve files at a distance: one of each host in a process."""

import threading
from functools import lru_cache

from benkit.files.remote.service import RemoteFiles

__all__ = ["TIMEOUT", "files_of"]

TIMEOUT = 30.0
"""Seconds without an answer until a server counts as silent."""

_one_at_a_time = threading.Lock()


def files_of(scheme: str, host: str, options: tuple[tuple[str, str], ...]) -> RemoteFiles:
    """The files of a service; made once a process, by whichever thread is first."""
    with _one_at_a_time:
        return _made(scheme, host, options)


@lru_cache(maxsize=16)
def _made(scheme: str, host: str, options: tuple[tuple[str, str], ...]) -> RemoteFiles:
    if scheme in ("http", "https"):
        from benkit.files.remote.http import HttpFiles

        return HttpFiles(scheme, host, TIMEOUT)
    from benkit.files.remote.arrow import ArrowFiles

    return ArrowFiles(scheme, host, dict(options), TIMEOUT)
