"""Webhook sources in Python: calls and questions are yielded, and what is raised decides as everywhere."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from router import Rejected, Request, RetryLater, Secret, Settings, WebhookRequest, WebhookSource, hookimpl
from router.telemetry.happenings import MembersRefused
from router.telemetry.side_happenings import WebhookFailed
from router.testing.fake_http import FakeHttp, Reply
from tests.flow.webhooks.rig import hooked


class ShopSettings(Settings, frozen=True):
    """Where orders are asked for."""

    url: str = ""
    """The address of the shop."""
    token: Secret = Secret("")
    """Its token."""


def plugin(receive: Callable[[Any, WebhookRequest], Any]) -> object:
    """A plugin with a source kind `shop` that does this with a request."""

    class Shop(WebhookSource[ShopSettings]):
        """Makes calls of orders."""

        kind = "shop"

    Shop.receive = receive  # type: ignore[method-assign]

    class Plugin:
        """Registers it."""

        @hookimpl
        def register_sources(self) -> list[type[WebhookSource[Any]]]:
            """Offer the source."""
            return [Shop]

    return Plugin()


def section(**settings: Any) -> dict[str, Any]:
    return {"kind": "shop", "write_key": "hook-key", "settings": settings}


def order(name: str = "Order", **more: Any) -> dict[str, Any]:
    return {"type": "track", "event": name, "userId": "u1", **more}


async def test_calls_are_yielded_or_returned() -> None:
    def yields(self: Any, hook: WebhookRequest) -> Any:
        yield order("A", properties=hook.json())
        yield b'{"type":"track","event":"B","userId":"u1"}'

    def returns(self: Any, hook: WebhookRequest) -> Any:
        return [order("A", properties=hook.json()), order("B")]

    for receive in (yields, returns):
        async with hooked(section(), plugins=(plugin(receive),)) as one:
            await one.post({"n": 1})

            events = await one.events(2)
            assert [event["event"] for event in events] == ["A", "B"]
            assert events[0]["properties"] == {"n": 1}


async def test_an_answer_is_sent_back_into_the_generator() -> None:
    def receive(self: Any, hook: WebhookRequest) -> Any:
        answer = yield Request.get(
            f"{self.settings.url}/orders/{hook.json()['id']}", headers={"Authorization": self.settings.token}
        )
        yield order(properties=answer.json())

    async with FakeHttp() as service:
        service.default = Reply(body=b'{"total":7}')
        async with hooked(section(url=service.url, token="t1"), plugins=(plugin(receive),)) as one:
            await one.post({"id": 3})

            assert [event["properties"] for event in await one.events(1)] == [{"total": 7}]
            assert service.requests[0].path == "/orders/3"
            assert service.requests[0].headers["authorization"] == "t1"


@pytest.mark.parametrize(
    ("status", "is_over"), [(500, False), (429, False), (401, False), (404, False), (422, True), (400, True)]
)
async def test_a_question_that_fails_is_judged_as_a_delivery_is(status: int, is_over: bool) -> None:
    def receive(self: Any, hook: WebhookRequest) -> Any:
        yield Request.get(self.settings.url)
        yield order()

    async with FakeHttp() as service:
        service.default = Reply(status=status)
        async with hooked(section(url=service.url), plugins=(plugin(receive),)) as one:
            await one.post({})
            failed = await one.hears(WebhookFailed)

            assert (failed.reason, failed.is_over) == (str(status), is_over)


async def test_a_status_that_is_accepted_is_an_answer() -> None:
    def receive(self: Any, hook: WebhookRequest) -> Any:
        answer = yield Request.get(self.settings.url, accepts=(404,))
        yield order(properties={"status": answer.status})

    async with FakeHttp() as service:
        service.default = Reply(status=404)
        async with hooked(section(url=service.url), plugins=(plugin(receive),)) as one:
            await one.post({})

            assert [event["properties"] for event in await one.events(1)] == [{"status": 404}]


@pytest.mark.parametrize(
    ("error", "reason", "is_over"),
    [
        (RetryLater("BUSY", after=200), "BUSY", False),
        (Rejected("NO_CUSTOMER"), "NO_CUSTOMER", True),
        (Rejected("nobody bought this"), "MESSAGE_REJECTED", True),
        (KeyError("customer"), "PLUGIN_ERROR", True),
    ],
)
async def test_what_is_raised_decides(error: Exception, reason: str, is_over: bool) -> None:
    def receive(self: Any, hook: WebhookRequest) -> Any:
        yield order("Never")
        raise error

    async with hooked(section(), plugins=(plugin(receive),)) as one:
        await one.post({})
        failed = await one.hears(WebhookFailed)

        assert (failed.reason, failed.is_over) == (reason, is_over)
        assert failed.seconds == 0 if is_over else failed.seconds >= 200 or reason != "BUSY"
        assert one.rig.delivered == []


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (SystemExit(3), "sys.exit(3)"),
        (asyncio.CancelledError(), "CancelledError"),
        (GeneratorExit(), "GeneratorExit"),
    ],
)
async def test_what_would_end_the_router_ends_the_request_only(error: BaseException, said: str) -> None:
    def receive(self: Any, hook: WebhookRequest) -> Any:
        if hook.json() == "bad":
            raise error
        yield order()

    async with hooked(section(), plugins=(plugin(receive),)) as one:
        await one.post("bad")
        failed = await one.hears(WebhookFailed)
        await one.post("good")

        assert (failed.reason, failed.is_over) == ("PLUGIN_ERROR", True)
        assert said in failed.error
        assert len(await one.events(1)) == 1


@pytest.mark.slow
async def test_a_plugin_that_blocks_as_it_cleans_up_is_interrupted() -> None:
    def receive(self: Any, hook: WebhookRequest) -> Any:
        try:
            yield Request.get(self.settings.url)
        finally:
            while True:
                pass

    async with FakeHttp() as service:
        service.default = Reply(status=500)
        async with hooked(section(url=service.url), plugins=(plugin(receive),)) as one:
            await one.post({})
            failed = await one.hears(WebhookFailed)

            assert (failed.reason, failed.is_over) == ("PLUGIN_TIMEOUT", False)


@pytest.mark.parametrize("given", [7, None, "text", [7]])
async def test_what_is_no_list_of_calls_is_said(given: Any) -> None:
    async with hooked(section(), plugins=(plugin(lambda self, hook: given),)) as one:
        await one.post({})
        failed = await one.hears(WebhookFailed)

        assert (failed.reason, failed.is_over) == ("PLUGIN_ERROR", True)
        assert "receive()" in failed.error


async def test_a_generator_without_an_end_is_ended() -> None:
    def receive(self: Any, hook: WebhookRequest) -> Any:
        while True:
            yield order()

    async with hooked(section(), plugins=(plugin(receive),)) as one:
        await one.post({})

        assert "more than 10000" in (await one.hears(WebhookFailed)).error


async def test_calls_get_an_id_and_the_time_of_the_request_unless_they_have_them() -> None:
    def receive(self: Any, hook: WebhookRequest) -> Any:
        yield order("A", timestamp=None, messageId="")
        yield order("B", timestamp="2020-01-01T00:00:00.000Z", messageId="b")
        yield {"no": object()}
        yield b"no json"

    async with hooked(section(), plugins=(plugin(receive),)) as one:
        await one.post({})
        events = await one.events(2)

        assert len(events[0]["messageId"]) == 36
        assert events[0]["timestamp"] <= events[0]["receivedAt"]
        assert (events[1]["messageId"], events[1]["timestamp"]) == ("b", "2020-01-01T00:00:00.000Z")
        refused = await one.hears(MembersRefused)
        assert [reason for _, reason in refused.refused] == ["invalid_event", "invalid_json"]
