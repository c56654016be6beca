"""The access token of one destination: fetched once for all batches in flight, and anew before it expires."""

import asyncio
from typing import Any

import msgspec

from router.delivery.classify import judge_answer
from router.delivery.clock import Clock
from router.delivery.sending.http import HttpClient
from router.delivery.sending.outgoing import Outgoing
from router.delivery.sending.secrecy import Secrecy
from router.delivery.sending.signing import AUTHORIZATION, basic
from router.delivery.verdict import Judgement
from router.errors import DeliveryError, RetryLater, Unauthorized
from router.plugins.auth import ClientCredentialsAuth, OAuth2, RefreshTokenAuth
from router.plugins.request import FORM, Answer, Request

EARLY_SECONDS = 60.0
"""A token is renewed so long before it expires, or when a tenth of its life is left if that is less."""
LIFE_SECONDS = 3600.0
"""How long a token is taken to live when the service does not say."""


class Tokens:
    """Keeps the token of one destination."""

    def __init__(self, auth: OAuth2, *, http: HttpClient, clock: Clock, secrecy: Secrecy) -> None:
        self.auth = auth
        self._http = http
        self._clock = clock
        self._secrecy = secrecy
        self._refresh_token = auth.refresh_token.reveal() if isinstance(auth, RefreshTokenAuth) else ""
        self._token = ""
        self._renew_at = 0.0
        self._fetching = asyncio.Lock()
        self._fetched = 0
        self._error: DeliveryError | None = None

    async def current(self) -> str:
        """The token to use now. Raises Unauthorized or RetryLater when there is none to be had."""
        if not self._is_fresh():
            await self._fetch_once(lambda: self._is_fresh())
        return self._token

    async def renewed(self, refused: str) -> str:
        """A token other than `refused`: fetched now, unless another batch has done that meanwhile."""
        if self._token == refused:
            await self._fetch_once(lambda: self._token != refused)
        return self._token

    def _is_fresh(self) -> bool:
        return bool(self._token) and self._clock.monotonic() < self._renew_at

    async def _fetch_once(self, is_done: Any) -> None:
        """Fetch a token; who waited for another's fetch takes its result, good or bad."""
        seen = self._fetched
        async with self._fetching:
            if is_done():
                return
            if self._fetched != seen and self._error is not None:
                raise type(self._error)(self._error.reason, after=self._error.after)
            try:
                await self._fetch()
                self._error = None
            except DeliveryError as error:
                self._error = error
                raise
            finally:
                self._fetched += 1

    async def _fetch(self) -> None:
        answer = await self._http.send(self._question())
        verdict = judge_answer(answer, now=self._clock.time())
        if verdict.judgement is not Judgement.DELIVERED:
            said = f"no token: {self.auth.token_url} answered {answer.status}"
            if verdict.judgement in (Judgement.RETRY, Judgement.THROTTLED):
                raise RetryLater(said, after=verdict.after)
            raise Unauthorized(f"{said} {self._secrecy.hide(_problem(answer))}".rstrip(), after=verdict.after)
        self._take(answer)

    def _question(self) -> Outgoing:
        auth = self.auth
        form = {"grant_type": "client_credentials"}
        if isinstance(auth, RefreshTokenAuth):
            form = {"grant_type": "refresh_token", "refresh_token": self._refresh_token}
        elif isinstance(auth, ClientCredentialsAuth) and auth.audience:
            form["audience"] = auth.audience
        if auth.scope:
            form["scope"] = auth.scope
        headers = {"Content-Type": FORM, "Accept": "application/json"}
        question = Outgoing("POST", auth.token_url, headers)
        secret = auth.client_secret.reveal()
        if auth.credentials == "basic":
            question.add_private(AUTHORIZATION, basic(auth.client_id, secret))
        else:
            form["client_id"] = auth.client_id
            if secret:
                form["client_secret"] = secret
        question.body = Request.post(auth.token_url, form=form).encoded()
        return question

    def _take(self, answer: Answer) -> None:
        """Take the token out of the answer; times count from now, for the token may have been long on its way."""
        try:
            found = msgspec.json.decode(answer.body, type=_Granted, strict=False)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise Unauthorized(
                f"no token: what {self.auth.token_url} answered holds no access_token; check auth.token_url"
            ) from None
        self._secrecy.learn(found.access_token)
        if found.refresh_token:
            self._secrecy.learn(found.refresh_token)
            self._refresh_token = found.refresh_token
        life = found.expires_in if found.expires_in is not None else LIFE_SECONDS
        self._token = found.access_token
        self._renew_at = self._clock.monotonic() + max(0.0, life - min(EARLY_SECONDS, life / 10))


class _Granted(msgspec.Struct):
    access_token: str
    expires_in: float | None = None
    refresh_token: str | None = None


def _problem(answer: Answer) -> str:
    """The error code of RFC 6749 in an answer, or nothing."""
    try:
        error = answer.json()["error"]
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError):
        return ""
    return error[:40] if isinstance(error, str) else ""
