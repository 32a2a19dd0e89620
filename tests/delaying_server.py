"""An S3 server of one folder, which lets each request wait and counts: for tests and benchmarks.

    python -m tests.delaying_server FOLDER SECONDS MOST

It runs in a process of its own and costs little. Above ``MOST`` requests at a time it answers 503. Its
first line is its address; when its input ends it prints what it has counted.
"""

import asyncio
import json
import os
import sys
from collections import Counter
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

PAGE = 1000


class Server:
    """Buckets are the subfolders of a folder; signatures are not looked at."""

    def __init__(self, root: Path, seconds: float, most: int) -> None:
        self._root, self._seconds, self._most = root, seconds, most
        self._in_flight = 0
        self.counts: Counter[str] = Counter()

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer all requests of a connection."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                method, target = head.decode().split(" ", 2)[:2]
                self._in_flight += 1
                self.counts["most in flight"] = max(self.counts["most in flight"], self._in_flight)
                busy = self._in_flight > self._most
                await asyncio.sleep(self._seconds)
                self._in_flight -= 1
                status, body = (503, b"") if busy else self._answer(method, target)
                said = f"HTTP/1.1 {status} Said\r\nContent-Length: {len(body)}\r\n\r\n"
                writer.write(said.encode() + (b"" if method == "HEAD" else body))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _answer(self, method: str, target: str) -> tuple[int, bytes]:
        url = urlsplit(target)
        query = {name: value[0] for name, value in parse_qs(url.query).items()}
        path = self._root / unquote(url.path).strip("/")
        if "list-type" in query:
            self.counts["LIST"] += 1
            return self._listing(path, query)
        self.counts[method] += 1
        if path.is_file():
            return 200, path.read_bytes()
        return (200 if path.is_dir() and path.parent == self._root else 404), b""

    def _listing(self, bucket: Path, query: dict[str, str]) -> tuple[int, bytes]:
        prefix = query.get("prefix", "")
        folder = bucket / prefix
        found = sorted(folder.iterdir()) if folder.is_dir() else []
        start = int(query.get("continuation-token", 0))
        more = len(found) > start + PAGE
        lines = [f"<KeyCount>{len(found[start : start + PAGE])}</KeyCount>"]
        for path in found[start : start + PAGE]:
            key = escape(prefix + path.name)
            lines.append(
                f"<CommonPrefixes><Prefix>{key}/</Prefix></CommonPrefixes>"
                if path.is_dir()
                else f"<Contents><Key>{key}</Key><Size>{path.stat().st_size}</Size>"
                "<LastModified>2024-01-01T00:00:00.000Z</LastModified></Contents>"
            )
        lines.append(f"<IsTruncated>{str(more).lower()}</IsTruncated>")
        if more:
            lines.append(f"<NextContinuationToken>{start + PAGE}</NextContinuationToken>")
        return 200, f"<ListBucketResult>{''.join(lines)}</ListBucketResult>".encode()


async def main() -> None:
    """Serve until the input ends."""
    server = Server(Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
    listening = await asyncio.start_server(server.converse, "127.0.0.1", 0, backlog=1024)
    print(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    print(json.dumps(server.counts), flush=True)
    os._exit(0)  # whoever has connections left has gone


if __name__ == "__main__":
    asyncio.run(main())
