"""Puts the declared credentials onto a request; a token comes from `tokens`."""

import base64
import hmac
from urllib.parse import quote

from router.delivery.sending.outgoing import Outgoing
from router.delivery.sending.sigv4 import sigv4
from router.plugins.auth import Auth, AwsAuth, BasicAuth, BearerAuth, HeaderAuth, HmacAuth, QueryAuth

AUTHORIZATION = "Authorization"


def sign(request: Outgoing, auth: Auth, *, now: float, token: str = "") -> None:
    """Sign `request`, whose body is as it will be sent; `token` is the access token of the OAuth 2.0 kinds.

    `now` in seconds since the epoch is the time of the signature.
    """
    match auth:
        case BearerAuth():
            request.add_private(AUTHORIZATION, f"Bearer {auth.token.reveal()}")
        case BasicAuth():
            request.add_private(AUTHORIZATION, basic(auth.username, auth.password.reveal()))
        case HeaderAuth():
            request.add_private(auth.name, auth.value.reveal())
        case QueryAuth():
            request.url = _with_parameter(request.url, auth.name, auth.value.reveal())
        case HmacAuth():
            request.add_private(auth.header, _hmac(auth, request.body))
        case AwsAuth():
            session_token = auth.session_token.reveal() if auth.session_token else None
            added = sigv4(
                request.method,
                request.url,
                request.headers,
                request.body,
                access_key_id=auth.access_key_id,
                secret_access_key=auth.secret_access_key.reveal(),
                region=auth.region,
                service=auth.service,
                now=now,
                session_token=session_token,
            )
            for name, value in added.items():
                request.add_private(name, value)
        case _:
            request.add_private(AUTHORIZATION, f"Bearer {token}")


def basic(username: str, password: str) -> str:
    """The value of `Authorization` for a name and a password."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def _hmac(auth: HmacAuth, body: bytes) -> str:
    digest = hmac.digest(auth.secret.reveal().encode(), body, auth.algorithm)
    written = digest.hex() if auth.encoding == "hex" else base64.b64encode(digest).decode()
    return auth.prefix + written


def _with_parameter(url: str, name: str, value: str) -> str:
    head, hash_sign, fragment = url.partition("#")
    joint = "&" if "?" in head else "?"
    return f"{head}{joint}{quote(name, safe='')}={quote(value, safe='')}{hash_sign}{fragment}"
