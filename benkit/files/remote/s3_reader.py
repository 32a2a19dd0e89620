"""Read files of an S3 server with one GET each.

Pyarrow asks for the size of a file (HEAD) before it reads it. So what is read whole is asked for here,
signed with AWS Signature Version 4
(https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html).
"""

import configparser
import hashlib
import hmac
import os
import re
import time
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from benkit.files.remote.connections import HttpConnections
from benkit.files.remote.http import refuse_status

_NOTHING = hashlib.sha256(b"").hexdigest()
_CODE = re.compile(rb"<Code>(\w+)</Code>")
_DENIED_WITH_400 = {"ExpiredToken", "InvalidToken", "TokenRefreshRequired"}


class AwsKeys(NamedTuple):
    """Keys that sign requests."""

    access: str
    secret: str
    token: str = ""


class S3Reader:
    """Reads files of one bucket; without keys, as anyone."""

    def __init__(
        self,
        scheme: str,
        host: str,
        bucket: str,
        region: str,
        keys: AwsKeys | None,
        timeout: float,
    ) -> None:
        self._connections = HttpConnections(scheme, host, timeout)
        self._host, self._bucket, self._region, self._keys = host, bucket, region, keys

    def read(self, path: str, at_most: int) -> bytes:
        """Read a whole file, as `RemoteFiles.read` does."""
        target = quote(f"/{self._bucket}/{path}", safe="/")
        headers = signed(self._host, target, self._region, self._keys) if self._keys else {}
        answer, body = self._connections.request("GET", target, headers, at_most)
        if answer.status == 200:
            return body
        code = found[1].decode() if (found := _CODE.search(body)) else ""
        if code in _DENIED_WITH_400:
            raise PermissionError(code)
        refuse_status(answer, target, f" ({code})" if code else "")
        raise AssertionError("all other statuses are errors")


def signed(
    host: str, target: str, region: str, keys: AwsKeys, now: time.struct_time | None = None
) -> dict[str, str]:
    """The headers that sign a GET of a target, which is percent-encoded."""
    moment = time.strftime("%Y%m%dT%H%M%SZ", now or time.gmtime())
    headers = {"host": host, "x-amz-content-sha256": _NOTHING, "x-amz-date": moment}
    if keys.token:
        headers["x-amz-security-token"] = keys.token
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    request = f"GET\n{target}\n\n{lines}\n{names}\n{_NOTHING}"
    scope = f"{moment[:8]}/{region}/s3/aws4_request"
    digest = hashlib.sha256(request.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{digest}"
    signature = hmac.new(_key(keys.secret, moment[:8], region), text.encode(), "sha256").hexdigest()
    headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={keys.access}/{scope}, SignedHeaders={names}, "
        f"Signature={signature}"
    )
    return headers


@lru_cache(maxsize=4)
def _key(secret: str, day: str, region: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (day, region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def signed_reader(
    bucket: str, region: str, options: Mapping[str, str], timeout: float
) -> S3Reader | None:
    """The reader of a bucket; None if the keys are such as only pyarrow finds, of a role for example."""
    keys = None
    if options.get("anonymous") != "true":
        keys = _keys_of_environment() or _keys_of_profile()
        if not keys:
            return None
    url = options.get("endpoint_override")
    if not url:
        url = f"s3.{region}.amazonaws.com" + ".cn" * region.startswith("cn-")
    if "://" not in url:
        url = f"{options.get('scheme', 'https')}://{url}"
    scheme, _, host = url.rstrip("/").partition("://")
    return None if "/" in host else S3Reader(scheme, host, bucket, region, keys, timeout)


def _keys_of_environment() -> AwsKeys | None:
    access, secret = os.environ.get("AWS_ACCESS_KEY_ID"), os.environ.get("AWS_SECRET_ACCESS_KEY")
    token = os.environ.get("AWS_SESSION_TOKEN", "")
    return AwsKeys(access, secret, token) if access and secret else None


def _keys_of_profile() -> AwsKeys | None:
    """The keys of the profile in use, if they stand in the file of credentials themselves."""
    file = os.environ.get("AWS_SHARED_CREDENTIALS_FILE") or Path.home() / ".aws" / "credentials"
    profile = os.environ.get("AWS_PROFILE") or os.environ.get("AWS_DEFAULT_PROFILE") or "default"
    found = configparser.RawConfigParser()
    try:
        found.read(file, "utf-8")
        section = found[profile]
        keys = section["aws_access_key_id"], section["aws_secret_access_key"]
    except (configparser.Error, KeyError, OSError, UnicodeDecodeError):
        return None
    return AwsKeys(*keys, section.get("aws_session_token", ""))
