"""How requests prove who sends them: declared as data; the engine signs, and fetches and renews tokens.

A destination says it in one line: `def auth(self): return BearerAuth(token=self.settings.token)`. An operator may say
it instead, or otherwise, in `router.toml`: `auth = { kind = "bearer", token = "env:TOKEN" }`.
"""

from typing import Literal

from msgspec import Struct

from router.plugins.settings import Secret


class _Auth(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """What all kinds have in common: the word in `kind = "…"`."""


class BearerAuth(_Auth, frozen=True, kw_only=True, tag="bearer"):
    """`Authorization: Bearer TOKEN`."""

    token: Secret
    """The token."""


class BasicAuth(_Auth, frozen=True, kw_only=True, tag="basic"):
    """`Authorization: Basic …` with a name and a password."""

    username: str
    """The name; some services want a key here and no password."""
    password: Secret = Secret("")
    """The password; empty by default."""


class HeaderAuth(_Auth, frozen=True, kw_only=True, tag="header"):
    """A header of the service's own."""

    name: str
    """The name of the header, e.g. "X-Api-Key"."""
    value: Secret
    """Its value."""


class QueryAuth(_Auth, frozen=True, kw_only=True, tag="query"):
    """A parameter in the URL."""

    name: str
    """The name of the parameter, e.g. "api_key"."""
    value: Secret
    """Its value."""


class HmacAuth(_Auth, frozen=True, kw_only=True, tag="hmac"):
    """A signature of the body, taken before the body is compressed, in a header."""

    secret: Secret
    """The key that both sides know."""
    header: str = "X-Signature"
    """The header that carries the signature."""
    algorithm: Literal["sha1", "sha256", "sha512"] = "sha256"
    """The hash of the HMAC."""
    encoding: Literal["hex", "base64"] = "hex"
    """How the signature is written."""
    prefix: str = ""
    """What stands before the signature, e.g. "sha256="; nothing by default."""


class AwsAuth(_Auth, frozen=True, kw_only=True, tag="aws"):
    """AWS Signature Version 4."""

    access_key_id: str
    """The id of the access key."""
    secret_access_key: Secret
    """The secret of the access key."""
    region: str
    """E.g. "eu-west-1"."""
    service: str
    """The service's name for signing, e.g. "firehose" or "execute-api"."""
    session_token: Secret | None = None
    """The token of temporary credentials; none by default."""


class _OAuth2(_Auth, frozen=True, kw_only=True):
    """What both ways to get a token have in common."""

    token_url: str
    """Where tokens are fetched."""
    client_id: str
    """The client's id."""
    client_secret: Secret = Secret("")
    """The client's secret; empty by default, for clients that have none."""
    scope: str = ""
    """What the token shall allow, words with a space between; the service's own default when empty."""
    credentials: Literal["body", "basic"] = "body"
    """Whether id and secret are sent in the form (default) or as `Authorization: Basic`."""


class ClientCredentialsAuth(_OAuth2, frozen=True, kw_only=True, tag="oauth2_client_credentials"):
    """OAuth 2.0 client credentials: a token for the client itself (RFC 6749, 4.4)."""

    audience: str = ""
    """Whom the token is for, where the service asks for it; not sent when empty."""


class RefreshTokenAuth(_OAuth2, frozen=True, kw_only=True, tag="oauth2_refresh_token"):
    """OAuth 2.0 refresh token: a token on behalf of somebody who agreed once (RFC 6749, 6).

    A service that replaces the refresh token with each use is followed while the router runs, but the newest one is
    not kept over a restart: such services need a refresh token that stays valid.
    """

    refresh_token: Secret
    """The refresh token."""


OAuth2 = ClientCredentialsAuth | RefreshTokenAuth
"""The kinds for which the engine fetches tokens."""
Auth = (
    BearerAuth
    | BasicAuth
    | HeaderAuth
    | QueryAuth
    | HmacAuth
    | AwsAuth
    | ClientCredentialsAuth
    | RefreshTokenAuth
)
"""Any of them; `kind` tells which."""
AUTH_KINDS: dict[str, type[Auth]] = {str(one.__struct_config__.tag): one for one in Auth.__args__}
"""The classes by `kind`."""
