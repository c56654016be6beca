"""Declared credentials: what arrives at the service, and what a token that was refused leads to."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from router.delivery.sending.http import HttpClient
from router.delivery.sending.secrecy import Secrecy
from router.delivery.sending.tokens import Tokens
from router.errors import RetryLater, Unauthorized
from router.plugins.auth import (
    Auth,
    AwsAuth,
    BasicAuth,
    BearerAuth,
    ClientCredentialsAuth,
    HeaderAuth,
    HmacAuth,
    QueryAuth,
    RefreshTokenAuth,
)
from router.plugins.policies import Batching, Concurrency, Retry
from router.plugins.request import Request
from router.plugins.settings import Duration, Secret, Settings
from router.telemetry.happenings import DestinationPaused
from router.testing.clock import ManualClock
from router.testing.fake_http import FakeHttp, Received, Reply
from tests.flow.delivery.rig import Hook, HookSettings, envelope, rig

CANARY = "c4n4ry-value"
SECRET = Secret(CANARY)


class Plain(Hook):
    def requests(self, events: Any) -> list[Request]:
        return [Request.post(self.settings.url + "/in?a=1", json=[event.message_id for event in events])]


def plain(service: FakeHttp) -> Callable[[], Plain]:
    return lambda: Plain(HookSettings(url=service.url), name="crm")


def oauth(service: FakeHttp, **changes: Any) -> ClientCredentialsAuth:
    plain = {"token_url": service.url + "/token", "client_id": "c1", "client_secret": SECRET}
    return ClientCredentialsAuth(**{**plain, **changes})


class Bank:
    """Gives out tokens t1, t2, … at /token, and takes the ones that are not revoked."""

    def __init__(self, service: FakeHttp, **granted: Any) -> None:
        self.service = service
        self.granted = granted
        self.revoked: set[str] = set()
        self.forms: list[str] = []
        self.status = 200
        service.rule = self

    def __call__(self, request: Received) -> Reply | None:
        if request.path == "/token":
            self.forms.append(request.body.decode())
            body = {"access_token": f"{CANARY}-t{len(self.forms)}", "expires_in": 3600, **self.granted}
            return Reply(status=self.status, body=msgspec.json.encode(body))
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token in self.revoked or not token:
            return Reply(status=401, body=f"no {token}".encode())
        return None

    def oauth(self, **changes: Any) -> ClientCredentialsAuth:
        return oauth(self.service, **changes)

    @property
    def calls(self) -> list[str]:
        """Which token each call used."""
        heads = [
            one.headers.get("authorization", "") for one in self.service.requests if one.path != "/token"
        ]
        return [head.rpartition("-")[2] for head in heads]


SIGNATURE = hmac.new(CANARY.encode(), b'["m0"]', hashlib.sha256)


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        (BearerAuth(token=SECRET), "authorization", f"Bearer {CANARY}"),
        (
            BasicAuth(username="me", password=SECRET),
            "authorization",
            "Basic " + base64.b64encode(f"me:{CANARY}".encode()).decode(),
        ),
        (HeaderAuth(name="X-Key", value=SECRET), "x-key", CANARY),
        (HmacAuth(secret=SECRET), "x-signature", SIGNATURE.hexdigest()),
        (
            HmacAuth(secret=SECRET, header="X-Hub", encoding="base64", prefix="sha256="),
            "x-hub",
            "sha256=" + base64.b64encode(SIGNATURE.digest()).decode(),
        ),
    ],
)
async def test_the_declared_credentials_arrive(
    service: FakeHttp, auth: Auth, header: str, value: str
) -> None:
    async with rig(plain(service), auth=auth) as one:
        one.publish(envelope(0))
        await one.finished(1)

        assert service.requests[0].headers[header] == value


async def test_a_parameter_is_added_to_the_url(service: FakeHttp) -> None:
    async with rig(plain(service), auth=QueryAuth(name="api key", value=Secret("a&b"))) as one:
        one.publish(envelope(0))
        await one.finished(1)

        assert service.requests[0].path in ("/in?a=1&api%20key=a%26b", "/in?a=1&api+key=a%26b")


async def test_aws_signs_the_body_as_it_is_sent(service: FakeHttp) -> None:
    class Small(Plain):
        def requests(self, events: Any) -> list[Request]:
            return [Request.post(self.settings.url, json=1, compress=True)]

    auth = AwsAuth(access_key_id="AK", secret_access_key=SECRET, region="eu-west-1", service="s3")
    async with rig(lambda: Small(HookSettings(url=service.url), name="crm"), auth=auth) as one:
        one.publish(envelope(0))
        await one.finished(1)

        got = service.requests[0]
        assert got.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AK/")
        assert got.headers["x-amz-content-sha256"] == hashlib.sha256(got.sent).hexdigest()


async def test_what_the_destination_declares_holds_unless_the_operator_says_otherwise(
    service: FakeHttp,
) -> None:
    class Declaring(Plain):
        def auth(self) -> Auth:
            return BearerAuth(token=self.settings.token)

    def make() -> Declaring:
        return Declaring(HookSettings(url=service.url), name="crm")

    async with rig(make) as one:
        one.publish(envelope(0))
        await one.finished(1)
    async with rig(make, auth=HeaderAuth(name="X-Key", value=SECRET)) as one:
        one.publish(envelope(0))
        await one.finished(1)

    seen = [(got.headers.get("authorization"), got.headers.get("x-key")) for got in service.requests]
    assert seen == [("Bearer s3cr3t-token", None), (None, CANARY)]


async def test_an_auth_that_is_none_is_the_plugins_error(service: FakeHttp) -> None:
    class Wrong(Plain):
        def auth(self) -> Auth:
            return "token"  # type: ignore[return-value]

    async with rig(lambda: Wrong(HookSettings(url=service.url), name="crm")) as one:
        one.publish(envelope(0))
        await one.until(lambda: one.actor.status.is_paused)

        assert (one.actor.status.reason, service.requests) == ("PLUGIN_ERROR", [])


async def test_a_redirect_to_another_host_gets_no_credentials(service: FakeHttp) -> None:
    async with FakeHttp() as other:
        service.script(Reply(status=307, headers={"Location": other.url + "/x"}))
        async with rig(plain(service), auth=HeaderAuth(name="X-Key", value=SECRET)) as one:
            one.publish(envelope(0))
            await one.finished(1)

        assert ("x-key" in service.requests[0].headers, "x-key" in other.requests[0].headers) == (True, False)


# --- tokens -------------------------------------------------------------------------------------------------


async def test_operations_04_a_401_leads_to_one_new_token_and_one_more_attempt(service: FakeHttp) -> None:
    bank = Bank(service)
    bank.revoked.add(f"{CANARY}-t1")
    async with rig(plain(service), auth=bank.oauth()) as one:
        one.publish(envelope(0))
        await one.finished(1)

        assert (bank.calls, len(bank.forms)) == (["t1", "t2"], 2)
        assert (one.store.count("delivered"), one.store.attempts(0), one.of(DestinationPaused)) == (1, 1, [])


async def test_operations_04_a_401_that_stays_is_tried_once_more_and_then_pauses(service: FakeHttp) -> None:
    """The rule discards the event; house.md 5 pauses the destination as *credentials* and keeps it."""
    bank = Bank(service)
    bank.revoked.update(f"{CANARY}-t{n}" for n in range(1, 9))
    async with rig(plain(service), auth=bank.oauth()) as one:
        one.publish(envelope(0))
        await one.until(lambda: one.actor.status.is_paused)

        assert (bank.calls, one.store.ended) == (["t1", "t2"], 0)
        assert [paused.reason for paused in one.of(DestinationPaused)] == ["credentials 401"]


async def test_operations_04_batches_in_flight_share_one_new_token(service: FakeHttp) -> None:
    bank = Bank(service)
    held = {"m0", "m1", "m2"}

    def rule(request: Received) -> Reply | None:
        reply = bank(request)
        if request.path != "/token" and request.json()[0] in held:
            held.discard(request.json()[0])
            return Reply(status=401, is_held=True)
        return reply

    service.rule = rule
    async with rig(plain(service), auth=bank.oauth(), concurrency=Concurrency(initial=3, max=3)) as one:
        one.publish(*[envelope(n) for n in range(3)])
        await one.until(lambda: len(bank.calls) == 3)
        bank.revoked.add(f"{CANARY}-t1")
        service.release()
        await one.finished(3)

        assert len(bank.forms) == 2
        assert sorted(bank.calls) == ["t1"] * 3 + ["t2"] * 3


async def test_a_token_is_fetched_once_and_renewed_before_it_expires(service: FakeHttp) -> None:
    bank = Bank(service, expires_in=100)
    async with rig(plain(service), auth=bank.oauth(), batching=Batching(max_events=1)) as one:
        one.publish(envelope(0), envelope(1))
        await one.finished(2)
        one.clock.advance(89)
        one.publish(envelope(2))
        await one.finished(3)
        one.clock.advance(2)
        one.publish(envelope(3))
        await one.finished(4)

        assert bank.calls == ["t1", "t1", "t1", "t2"]


async def test_the_question_for_a_token_is_what_the_standard_says(service: FakeHttp) -> None:
    bank = Bank(service)
    for auth in (
        bank.oauth(scope="a b", audience="api"),
        bank.oauth(credentials="basic"),
        RefreshTokenAuth(token_url=service.url + "/token", client_id="c1", refresh_token=Secret("r1")),
    ):
        await tokens(auth).current()

    assert bank.forms == [
        f"grant_type=client_credentials&audience=api&scope=a+b&client_id=c1&client_secret={CANARY}",
        "grant_type=client_credentials",
        "grant_type=refresh_token&refresh_token=r1&client_id=c1",
    ]
    assert service.requests[1].headers["authorization"].startswith("Basic ")


async def test_a_refresh_token_that_is_replaced_is_followed(service: FakeHttp) -> None:
    bank = Bank(service, refresh_token="r2")
    keeper = tokens(
        RefreshTokenAuth(token_url=service.url + "/token", client_id="c1", refresh_token=Secret("r1"))
    )
    await keeper.renewed(await keeper.current())

    assert ["r1" in bank.forms[0], "r2" in bank.forms[1]] == [True, True]


async def test_who_waits_for_a_token_shares_the_failure_too(service: FakeHttp) -> None:
    bank = Bank(service)
    bank.status = 503
    keeper = tokens(bank.oauth())

    results = await asyncio.gather(*[keeper.current() for _ in range(5)], return_exceptions=True)

    assert [type(one) for one in results] == [RetryLater] * 5
    assert len(bank.forms) == 1


@pytest.mark.parametrize(
    ("reply", "error", "said"),
    [
        (Reply(status=401, body=b'{"error":"invalid_client"}'), Unauthorized, "invalid_client"),
        (Reply(status=400, body=b'{"error":["no"]}'), Unauthorized, "answered 400"),
        (Reply(status=429, headers={"Retry-After": "7"}), RetryLater, "answered 429"),
        (Reply(body=b"<html>"), Unauthorized, "check auth.token_url"),
        (Reply(body=b"{}"), Unauthorized, "check auth.token_url"),
        (Reply(body=b'{"access_token":5}'), Unauthorized, "check auth.token_url"),
    ],
)
async def test_without_a_token_the_reason_is_said(
    service: FakeHttp, reply: Reply, error: type[Exception], said: str
) -> None:
    service.default = reply

    with pytest.raises(error, match=said):
        await tokens(oauth(service)).current()


async def test_a_destination_without_a_token_pauses_as_credentials(service: FakeHttp) -> None:
    service.default = Reply(status=400, body=b'{"error":"invalid_client"}')
    async with rig(plain(service), auth=oauth(service)) as one:
        one.publish(envelope(0))
        await one.until(lambda: one.actor.status.is_paused)

        assert [paused.reason for paused in one.of(DestinationPaused)] == ["credentials 401"]
        assert {request.path for request in service.requests} == {"/token"}


async def test_no_secret_and_no_token_is_in_a_dead_letter(service: FakeHttp) -> None:
    bank = Bank(service)

    def rule(request: Received) -> Reply | None:
        return bank(request) or Reply(
            status=400, body=f"{request.headers['authorization']} {CANARY}".encode()
        )

    service.rule = rule
    async with rig(plain(service), auth=bank.oauth()) as one:
        one.publish(envelope(0))
        await one.finished(1)

        letter = one.store.letters[0]
        assert CANARY not in letter.request + letter.answer
        assert "***" in letter.answer


async def test_no_secret_is_in_an_error_about_a_url(service: FakeHttp) -> None:
    class Nowhere(Plain):
        def requests(self, events: Any) -> list[Request]:
            return [Request.post("not a url", json=1)]

    async with rig(
        lambda: Nowhere(HookSettings(url=""), name="crm"),
        auth=QueryAuth(name="key", value=SECRET),
        retry=Retry(give_up=Duration(60)),
    ) as one:
        one.publish(envelope(0))
        await one.finished(1, step=30)

        assert one.store.letters[0].reason == "INVALID_SETTINGS"
        assert CANARY not in one.store.letters[0].answer


@pytest.mark.parametrize(
    "auth",
    [
        BearerAuth(token=SECRET),
        BasicAuth(username="u", password=SECRET),
        AwsAuth(access_key_id="AK", secret_access_key=SECRET, region="r", service="s"),
        RefreshTokenAuth(token_url="u", client_id="c", client_secret=SECRET, refresh_token=SECRET),
    ],
)
def test_credentials_do_not_show_themselves(auth: Auth) -> None:
    assert CANARY not in repr(auth)


def test_a_basic_pair_is_hidden_as_it_is_sent() -> None:
    class Empty(Settings, frozen=True):
        pass

    pair = base64.b64encode(f"me:{CANARY}".encode()).decode()

    assert Secrecy(Empty(), BasicAuth(username="me", password=SECRET)).hide(f"got {pair}") == "got ***"


def tokens(auth: Any) -> Tokens:
    class Empty(Settings, frozen=True):
        pass

    http = HttpClient()
    _open.append(http)
    return Tokens(auth, http=http, clock=ManualClock(), secrecy=Secrecy(Empty(), auth))


_open: list[HttpClient] = []


@pytest.fixture(autouse=True)
async def closed() -> Any:
    yield
    while _open:
        await _open.pop().close()
