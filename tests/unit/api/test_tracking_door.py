"""The tracking door without a socket: whose key counts, what is kept, what is counted, what is answered."""

import base64
import gzip
from typing import Any

import msgspec
import pytest

from router.api.exchange import SUCCESS, HttpAnswer, HttpRequest
from router.api.proxies import Proxies
from router.api.rate_limit import RateLimit
from router.api.tracking import TrackingDoor, basic_key
from router.errors import StorageError, StoreFull, StoreUnavailable
from router.events.source import Source
from router.rules.request import Limits, Received
from router.storage.entry import Door, Entry
from router.telemetry.happenings import MembersRefused, RequestAnswered
from router.telemetry.signals import Signal, Signals

CALL = {"userId": "u1", "event": "E"}


class Bench:
    """A door, what it keeps, what it counts and what it tells."""

    def __init__(self, *, is_strict: bool = False, trusted: tuple[str, ...] = (), **source: Any) -> None:
        self.entries: list[Entry] = []
        self.counts: dict[tuple[str, ...], int] = {}
        self.told: list[Signal] = []
        self.trouble: StorageError | None = None
        signals = Signals()
        signals.observe(self.told.append)
        self.now = 0.0
        self.door = TrackingDoor(
            sources={
                "wk": Source(name="web", write_key="wk", **source),
                "other": Source(name="other", write_key="other"),
                "off": Source(name="off", write_key="off", enabled=False),
            },
            accept=self._accept,
            count=self._count,
            limits=Limits(),
            proxies=Proxies(trusted),
            rate_limit=RateLimit(lambda: self.now),
            signals=signals,
            is_strict=is_strict,
        )

    async def _accept(self, entry: Entry, received: Received) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.entries.append(entry)

    def _count(self, name: tuple[str, ...], amount: int) -> None:
        self.counts[name] = self.counts.get(name, 0) + amount

    async def post(
        self, body: Any, *, door: Door = Door.TRACK, key: str | None = "wk", query: str = "", **headers: str
    ) -> HttpAnswer:
        sent = {name.replace("_", "-").title(): value for name, value in headers.items()}
        if key is not None:
            sent["Authorization"] = "Basic " + base64.b64encode(f"{key}:".encode()).decode()
        data = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return await self.door.handle(
            door,
            HttpRequest(method="POST", path="/", query=query, headers=sent, body=data, peer="203.0.113.9"),
        )


def code(answer: HttpAnswer) -> str:
    body = msgspec.json.decode(answer.body)
    assert body["success"] is False
    assert body["message"] == body["error"]
    return str(body["code"])


@pytest.mark.parametrize(
    ("key", "body_key", "query", "source"),
    [
        ("wk", None, "", "web"),
        ("wk", "other", "writeKey=other", "web"),
        (None, "wk", "writeKey=other", "web"),
        (None, None, "a=1&writeKey=wk", "web"),
        ("", "wk", "", "web"),
    ],
)
async def test_the_header_wins_over_the_body_and_the_body_over_the_query(
    key: str | None, body_key: str | None, query: str, source: str
) -> None:
    bench = Bench()

    await bench.post({**CALL, **({"writeKey": body_key} if body_key else {})}, key=key, query=query)

    assert [entry.source for entry in bench.entries] == [source]


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ("Basic d2s6", "wk"),
        ("basic d2s6", "wk"),
        ("Basic d2s", "wk"),
        ("Basic d2s6cGFzc3dvcmQ=", "wk"),
        ("Basic d2s6cGFzc3dvcmQ", "wk"),
        ("Basic %%%", ""),
        ("Basic \udcff", ""),
        ("Basic /w==", ""),
        ("Bearer abc", ""),
        ("Basic", ""),
        ("", ""),
    ],
)
def test_a_basic_header_names_the_key(header: str, key: str) -> None:
    assert basic_key(header) == key


async def test_no_key_is_refused() -> None:
    bench = Bench()

    answer = await bench.post(CALL, key=None)

    assert (answer.status, code(answer)) == (400, "no_write_key")


async def test_an_unknown_key_is_answered_200_and_every_event_counted() -> None:
    bench = Bench()

    answer = await bench.post({"batch": [{"type": "track", **CALL}] * 3}, door=Door.BATCH, key="nobody")

    assert answer is SUCCESS
    assert bench.counts == {("failed_on_ingest", "", "unknown_source"): 3}


async def test_an_unknown_key_is_refused_when_keys_are_strict() -> None:
    answer = await Bench(is_strict=True).post(CALL, key="nobody")

    assert (answer.status, code(answer)) == (401, "unknown_source")


async def test_a_body_that_cannot_be_read_is_refused_whoever_sends_it() -> None:
    answer = await Bench().post(b"{bad", key="nobody")

    assert (answer.status, code(answer)) == (400, "invalid_json")


async def test_calls_of_a_source_that_is_off_are_counted_and_dropped() -> None:
    bench = Bench()

    answer = await bench.post(CALL, key="off")

    assert answer is SUCCESS
    assert bench.entries == []
    assert bench.counts == {("failed_on_ingest", "off", "source_disabled"): 1}


async def test_over_the_rate_both_headers_say_how_long_to_wait() -> None:
    bench = Bench(rate_limit=1)
    for _ in range(2):
        await bench.post(CALL)

    answer = await bench.post(CALL)

    assert (answer.status, code(answer)) == (429, "rate_limited")
    assert answer.headers == {"Retry-After": "1", "X-RateLimit-Reset": "1"}


async def test_a_key_in_the_body_counts_against_the_rate_too() -> None:
    bench = Bench(rate_limit=1)

    answers = [await bench.post({**CALL, "writeKey": "wk"}, key=None) for _ in range(3)]

    assert [answer.status for answer in answers] == [200, 200, 429]


@pytest.mark.parametrize("trouble", [StoreFull("full"), StoreUnavailable("broken")])
async def test_what_cannot_be_kept_is_answered_503(trouble: StorageError) -> None:
    bench = Bench()
    bench.trouble = trouble

    answer = await bench.post(CALL)

    assert (answer.status, code(answer)) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) >= 1


async def test_nothing_is_written_when_no_event_is_accepted() -> None:
    bench = Bench()

    await bench.post({"batch": [{"type": "track", "event": "E"}, None]}, door=Door.BATCH)

    assert bench.entries == []
    assert bench.counts == {
        ("failed_on_ingest", "web", "no_user_anon_id"): 1,
        ("failed_on_ingest", "web", "invalid_event"): 1,
        ("failed_on_ingest", "web", "empty_batch_result"): 1,
    }


async def test_refused_members_are_told_with_index_reason_and_text() -> None:
    bench = Bench()

    await bench.post({"batch": [{"type": "track", **CALL}, 7]}, door=Door.BATCH)

    assert bench.told == [MembersRefused("web", ((1, "invalid_event"),), (b"7",))]
    assert bench.entries[0].refused == (1,)
    assert bench.counts["failed_on_ingest", "web", "multi_user_error"] == 1


async def test_an_oversized_member_is_answered_400_and_the_others_are_kept() -> None:
    bench = Bench()
    large = {"type": "track", **CALL, "properties": {"a": "x" * 33_000}}

    answer = await bench.post({"batch": [{"type": "track", **CALL}, large]}, door=Door.BATCH)

    assert (answer.status, code(answer)) == (400, "payload_too_large")
    assert [entry.events for entry in bench.entries] == [1]
    assert RequestAnswered("web", 400, "payload_too_large") in bench.told


async def test_the_entry_holds_all_that_later_stages_may_ask() -> None:
    bench = Bench(trusted=("203.0.113.0/24",))
    body = msgspec.json.encode(CALL)

    await bench.post(
        gzip.compress(body),
        door=Door.SHORT_TRACK,
        content_encoding="gzip",
        user_agent="UA \udce9",
        x_forwarded_for="198.51.100.7",
    )

    assert bench.entries == [
        Entry("web", Door.SHORT_TRACK, 0, 1, body, "203.0.113.9", "198.51.100.7", "UA \ufffd", "gzip")
    ]


async def test_the_address_is_not_kept_for_a_source_that_does_not_collect_it() -> None:
    bench = Bench(collect_ip=False)

    await bench.post(CALL, door=Door.SHORT_TRACK)

    assert bench.entries[0].client_ip == ""


async def test_a_retry_is_counted_and_treated_as_any_request() -> None:
    bench = Bench()

    answer = await bench.post(CALL, x_retry_count="3")

    assert answer is SUCCESS
    assert bench.counts == {("requests_retried", "web"): 1}


async def test_white_space_does_not_count_against_the_limit_of_an_event() -> None:
    bench = Bench()

    answer = await bench.post(msgspec.json.encode(CALL)[:-1] + b" " * 60_000 + b"}")

    assert answer is SUCCESS
    assert len(bench.entries) == 1


async def test_a_body_far_over_the_limit_of_one_event_is_not_even_read() -> None:
    answer = await Bench().post(b" " * 200_000)

    assert code(answer) == "payload_too_large"


async def test_a_large_batch_is_kept_whole() -> None:
    bench = Bench()
    member = {"type": "track", **CALL, "properties": {"a": "x" * 900}}

    answer = await bench.post({"batch": [member] * 500}, door=Door.BATCH)

    assert answer is SUCCESS
    assert [entry.events for entry in bench.entries] == [500]
