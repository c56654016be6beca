"""The webhook: bodies, signatures and headers, as operations 2.3 has them."""

import gzip
import hashlib
import hmac
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from plugins.destinations.webhook import LARGEST_ARRAY, Webhook, WebhookSettings
from router.plugins.policies import Batching
from router.plugins.request import Request
from router.plugins.settings import Secret, setting_hook
from router.testing.fake_http import FakeHttp
from tests.flow.delivery.rig import envelope, rig

URL = "https://example.com/hook"
EVENTS = [envelope(n).event for n in range(5)]


def webhook(max_events: int = 1, **settings: Any) -> Webhook:
    one = Webhook(WebhookSettings(**{"url": URL, **settings}), name="crm")
    one.batching = Batching(max_events)
    return one


def requests(destination: Webhook, count: int) -> list[Request]:
    return list(destination.requests(EVENTS[:count]))  # type: ignore[arg-type]


def signature(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()


def test_a_single_event_is_sent_as_the_object_that_is_stored() -> None:
    (request,) = requests(webhook(), 1)

    assert (request.method, request.url, request.body) == ("POST", URL, EVENTS[0].json)
    assert request.headers == {"Content-Type": "application/json"}


def test_without_batching_every_event_has_a_request_of_its_own() -> None:
    assert [request.body for request in requests(webhook(), 3)] == [event.json for event in EVENTS[:3]]


def test_with_batching_events_are_sent_as_an_array_with_nothing_around_it() -> None:
    (request,) = requests(webhook(100), 3)

    assert msgspec.json.decode(request.body) == [msgspec.json.decode(event.json) for event in EVENTS[:3]]
    assert request.body == b"[" + b",".join(event.json for event in EVENTS[:3]) + b"]"


def test_with_batching_one_event_is_an_array_too() -> None:
    (request,) = requests(webhook(100), 1)

    assert request.body == b"[" + EVENTS[0].json + b"]"


def test_an_array_holds_at_most_4000_events() -> None:
    many = [EVENTS[0]] * (LARGEST_ARRAY + 1)
    found = list(webhook(100_000).requests(many))  # type: ignore[arg-type]

    assert [len(msgspec.json.decode(request.body)) for request in found] == [4000, 1]


def test_operations_18_an_array_is_signed_by_the_json_of_its_first_element() -> None:
    (request,) = requests(webhook(1000, secret=Secret("shared")), 5)

    assert request.headers["X-Signature"] == signature("shared", EVENTS[0].json)


def test_a_single_event_is_signed_by_its_whole_body() -> None:
    (request,) = requests(webhook(secret=Secret("shared")), 1)

    assert request.headers["X-Signature"] == signature("shared", request.body)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_the_method_may_be_chosen(method: str) -> None:
    assert requests(webhook(method=method), 1)[0].method == method


def test_own_headers_are_sent() -> None:
    (request,) = requests(webhook(headers={"Authorization": Secret("Bearer t")}), 1)

    assert request.headers["Authorization"] == Secret("Bearer t")


def test_arrays_of_a_batch_are_settled_alone() -> None:
    many = [EVENTS[0]] * (LARGEST_ARRAY + 1)
    found = list(webhook(100_000).requests(many))  # type: ignore[arg-type]

    assert [len(request.settles or ()) for request in found] == [4000, 1]


def test_requests_are_the_same_each_time() -> None:
    destination = webhook(100, secret=Secret("shared"))

    assert requests(destination, 4) == requests(destination, 4)


def test_settings_are_read_from_a_configuration() -> None:
    found = msgspec.convert(
        {"url": URL, "headers": {"A": "b"}, "secret": "s"}, WebhookSettings, dec_hook=setting_hook
    )

    assert (found.headers, found.secret) == ({"A": Secret("b")}, Secret("s"))


@pytest.fixture
async def service() -> AsyncIterator[FakeHttp]:
    async with FakeHttp() as one:
        yield one


async def test_gzip_compresses_the_body_and_the_signature_is_that_of_the_plain_body(
    service: FakeHttp,
) -> None:
    def make() -> Webhook:
        return Webhook(WebhookSettings(url=service.url, gzip=True, secret=Secret("shared")), name="crm")

    async with rig(make) as one:
        one.publish(envelope(0))
        await one.finished(1)

        (received,) = service.requests
        assert received.headers["content-encoding"] == "gzip"
        assert gzip.decompress(received.sent) == EVENTS[0].json
        assert received.headers["x-signature"] == signature("shared", EVENTS[0].json)


async def test_the_receiver_gets_the_stored_bytes(service: FakeHttp) -> None:
    def make() -> Webhook:
        return Webhook(WebhookSettings(url=service.url), name="crm")

    async with rig(make, batching=Batching(max_events=3)) as one:
        one.publish(*[envelope(n) for n in range(3)])
        await one.finished(3)

        assert service.requests[0].body == b"[" + b",".join(event.json for event in EVENTS[:3]) + b"]"
        assert service.requests[0].headers["content-type"] == "application/json"
        assert service.requests[0].headers["idempotency-key"].startswith("m0-")


async def test_the_key_of_a_single_event_is_its_message_id(service: FakeHttp) -> None:
    async with rig(lambda: Webhook(WebhookSettings(url=service.url), name="crm")) as one:
        one.publish(envelope(0))
        await one.finished(1)

        assert service.requests[0].headers["idempotency-key"] == "m0"


async def test_the_webhook_is_given_five_seconds() -> None:
    assert Webhook.policies().retry.timeout == 5
