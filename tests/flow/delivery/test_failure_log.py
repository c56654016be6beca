"""A destination with a failure log tells of every attempt that failed, and nothing else does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from router.delivery.failure_log import FailureLine, FailureLog
from router.plugins.policies import Batching
from router.telemetry.failure_logs import QUEUE_LINES, FailureLogs
from router.telemetry.happenings import FailureLinesLost
from router.telemetry.signals import Signal, Signals
from router.testing.fake_http import FakeHttp, Reply
from router.testing.running import running
from tests.flow.delivery.rig import Rig, envelope, rig
from tests.flow.delivery.talk import hook, refuse

ATTEMPT, EXCHANGE, ERROR = "Delivery Attempt Logged", "Destination Exchange Logged", "Error Logged"
NOW = 1_900_000_000_000  # 2030-03-17T17:46:40Z


class Lines:
    """Keeps lines in the form in which they are written."""

    def __init__(self) -> None:
        self.all: list[dict[str, Any]] = []

    def write(self, destination: str, received_at: int, line: FailureLine) -> None:
        assert destination == "crm"
        self.all.append(msgspec.json.decode(msgspec.json.encode(line)))

    def of(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.all if line["event"] == event]


@asynccontextmanager
async def logged(service: FakeHttp, **options: Any) -> AsyncIterator[tuple[Rig, Lines]]:
    lines = Lines()
    async with rig(hook(service), failures=FailureLog("crm", lines.write, lambda: NOW), **options) as one:
        yield one, lines


async def test_operations_28_there_is_one_attempt_line_for_each_try(service: FakeHttp) -> None:
    service.script(Reply(status=503), Reply(status=503))
    async with logged(service) as (one, lines):
        one.publish(envelope(0))
        await one.finished(1, step=1)

    told = [(line["messageId"], line["properties"]) for line in lines.of(ATTEMPT)]
    assert [(message, tried["attempt"], tried["outcome"]) for message, tried in told] == [
        ("m0", 1, "awaiting_retry"),
        ("m0", 2, "awaiting_retry"),
        ("m0", 3, "succeeded"),
    ]


async def test_operations_28_there_is_one_exchange_line_for_a_batch(service: FakeHttp) -> None:
    service.script(Reply(status=503, body=b"busy", headers={"X-Why": "load"}))
    async with logged(service, batching=Batching(max_events=3)) as (one, lines):
        one.publish(envelope(0), envelope(1), envelope(2))
        await one.until(lambda: len(lines.of(ATTEMPT)) >= 3, step=1)

        [exchange] = lines.of(EXCHANGE)[:1]
        assert "messageId" not in exchange
        assert exchange["properties"]["request"]["body"] == '"m0,m1,m2"'
        response = exchange["properties"]["response"]
        assert (response["status"], response["body"]) == (503, "busy")
        assert response["headers"]["x-why"] == "load"
        ids = {line["properties"]["destinationExchangeId"] for line in lines.of(ATTEMPT)[:3]}
        assert ids == {exchange["properties"]["destinationExchangeId"]}


async def test_a_line_has_the_form_that_the_specification_names(service: FakeHttp) -> None:
    refuse(service, "m0", status=400)
    async with logged(service) as (one, lines):
        one.publish(envelope(0))
        await one.finished(1)

    [line] = lines.of(ATTEMPT)
    assert (line["type"], line["version"]) == ("observability", "v1")
    assert line["occurredAt"] == "2030-03-17T17:46:40.000Z"
    assert line["properties"]["routed"] == {
        "from": {"type": "source", "id": "website"},
        "to": {"type": "destination", "id": "crm"},
    }


async def test_an_event_that_is_given_up_has_one_error_line_that_says_so(service: FakeHttp) -> None:
    refuse(service, "m0", status=400)
    async with logged(service) as (one, lines):
        one.publish(envelope(0))
        await one.finished(1)

    [error] = lines.of(ERROR)
    assert (error["messageId"], error["properties"]["discarded"], error["properties"]["code"]) == (
        "m0", True, "400",
    )  # fmt: skip


async def test_an_event_that_is_tried_again_has_an_error_line_that_is_not_final(service: FakeHttp) -> None:
    service.script(Reply(status=503))
    async with logged(service) as (one, lines):
        one.publish(envelope(0))
        await one.finished(1, step=1)

    assert [line["properties"]["discarded"] for line in lines.of(ERROR)] == [False]


async def test_secrets_are_hidden(service: FakeHttp) -> None:
    refuse(service, "m0", status=400)
    async with logged(service) as (one, lines):
        one.publish(envelope(0))
        await one.finished(1)

    text = msgspec.json.encode(lines.all)
    assert b"X-Token: ***" in text
    assert b"s3cr3t-token" not in text


async def test_a_delivery_that_goes_well_at_once_leaves_no_line(service: FakeHttp) -> None:
    async with logged(service) as (one, lines):
        one.publish(envelope(0), envelope(1))
        await one.finished(2)

    assert lines.all == []


def line() -> FailureLine:
    return FailureLine(ATTEMPT, "2030-03-17T17:46:40.000Z", {"attempt": 1}, "m1")


async def test_lines_lie_in_the_file_of_the_hour_of_their_event(tmp_path: Path) -> None:
    logs = FailureLogs(tmp_path, now=lambda: NOW, signals=Signals())
    logs.write("crm", NOW - 3_600_000, line())
    logs.write("crm", NOW, line())
    logs.write("mail", NOW, line())

    await logs.flush()

    files = {str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*.jsonl")}
    assert files == {"crm/2030-03-17T16.jsonl", "crm/2030-03-17T17.jsonl", "mail/2030-03-17T17.jsonl"}
    [written] = (tmp_path / "mail/2030-03-17T17.jsonl").read_text().splitlines()
    assert msgspec.json.decode(written)["loggedAt"] == "2030-03-17T17:46:40.000Z"


async def test_files_go_after_28_days_and_nothing_else_does(tmp_path: Path) -> None:
    folder = tmp_path / "crm"
    folder.mkdir()
    names = ("2030-02-17T16.jsonl", "2030-02-17T17.jsonl", "2030-03-17T17.jsonl", "notes.jsonl")
    for name in names:
        (folder / name).write_text("{}\n")

    await FailureLogs(tmp_path, now=lambda: NOW, signals=Signals()).flush()

    assert {file.name for file in folder.iterdir()} == set(names[1:])


async def test_lines_that_do_not_fit_the_queue_are_counted_and_told(tmp_path: Path) -> None:
    heard: list[Signal] = []
    signals = Signals()
    signals.observe(heard.append)
    logs = FailureLogs(tmp_path, now=lambda: NOW, signals=signals)
    for _ in range(QUEUE_LINES + 3):
        logs.write("crm", NOW, line())

    await logs.flush()

    assert heard == [FailureLinesLost(3, "more failed than could be written")]
    assert len((tmp_path / "crm/2030-03-17T17.jsonl").read_text().splitlines()) == QUEUE_LINES


async def test_a_folder_that_cannot_be_written_is_told_and_harms_nothing(tmp_path: Path) -> None:
    heard: list[Signal] = []
    signals = Signals()
    signals.observe(heard.append)
    (tmp_path / "file").write_text("in the way")
    logs = FailureLogs(tmp_path / "file", now=lambda: NOW, signals=signals)
    logs.write("crm", NOW, line())

    await logs.flush()

    assert [(type(one), one.count) for one in heard if isinstance(one, FailureLinesLost)] == [
        (FailureLinesLost, 1)
    ]


@pytest.mark.parametrize("is_on", [True, False])
async def test_operations_28_a_router_writes_the_log_of_a_destination_that_asks_for_it(
    service: FakeHttp, tmp_path: Path, is_on: bool
) -> None:
    service.default = Reply(status=400)
    crm = {"kind": "webhook", "settings": {"url": service.url + "/hook"}, "failure_log": is_on}
    folder = tmp_path / "failures"
    config = {"destinations": {"crm": crm}, "logging": {"failure_logs": str(folder)}}
    async with running(config, folder=tmp_path) as one:
        await one.router.track("E", user_id="u1", message_id="m1")
        await one.drained()

    written = [text for file in folder.rglob("*.jsonl") for text in file.read_text().splitlines()]
    events = sorted(msgspec.json.decode(text)["event"] for text in written)
    assert events == ([ATTEMPT, EXCHANGE, ERROR] if is_on else [])
