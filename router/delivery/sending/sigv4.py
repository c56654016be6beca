"""AWS Signature Version 4 for one request with its body at hand.

Own code, because the alternative is botocore: 14 MB of service descriptions for these few hashes. The tests hold it
against the signatures of AWS's published examples.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote, unquote, urlsplit

ALGORITHM = "AWS4-HMAC-SHA256"
SIGNED = ("host", "content-type")
"""Headers that are signed, beside every `x-amz-…`; what a proxy may change is left alone."""
_PLAIN = "-_.~"


def sigv4(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    access_key_id: str,
    secret_access_key: str,
    region: str,
    service: str,
    now: float,
    session_token: str | None = None,
) -> dict[str, str]:
    """The headers to add to the request; `now` in seconds since the epoch."""
    parts = urlsplit(url)
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    added = {"X-Amz-Date": stamp}
    if session_token:
        added["X-Amz-Security-Token"] = session_token
    payload = hashlib.sha256(body).hexdigest()
    if service == "s3":
        added["X-Amz-Content-Sha256"] = payload
    signed = {"host": _host(url)}
    for name, value in {**headers, **added}.items():
        if name.lower() in SIGNED or name.lower().startswith("x-amz-"):
            signed[name.lower()] = " ".join(value.split())
    names = ";".join(sorted(signed))
    lines = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
    canonical = "\n".join((method, _path(parts.path, service), _query(parts.query), lines, names, payload))
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    to_sign = "\n".join((ALGORITHM, stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    key = f"AWS4{secret_access_key}".encode()
    for part in (stamp[:8], region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    credential = f"{access_key_id}/{scope}"
    added["Authorization"] = (
        f"{ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}"
    )
    return added


def _host(url: str) -> str:
    """The host as the client sends it: without the port that the scheme implies."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    shown = f"[{host}]" if ":" in host else host
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    return shown if parts.port in (None, usual) else f"{shown}:{parts.port}"


def _path(path: str, service: str) -> str:
    """The path, encoded once more where the service wants it: everywhere but in S3."""
    if service == "s3":
        return quote(unquote(path), safe="/" + _PLAIN) or "/"
    on_the_wire = quote(path, safe="/%!$&'()*+,;=:@" + _PLAIN)
    return quote(on_the_wire, safe="/" + _PLAIN) or "/"


def _query(query: str) -> str:
    pairs = [part.partition("=") for part in query.split("&") if part]
    encoded = [
        (quote(unquote(name), safe=_PLAIN), quote(unquote(value), safe=_PLAIN)) for name, _, value in pairs
    ]
    return "&".join(f"{name}={value}" for name, value in sorted(encoded))
