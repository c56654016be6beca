"""What insert functions ask changes neither the order of a user's events nor what is known of the destination."""

from typing import Any

import pytest

from router.plugins.policies import Batching, Concurrency
from router.telemetry.happenings import DestinationPaused, DestinationResumed
from router.testing.fake_http import FakeHttp, Reply
from tests.flow.delivery.asking import asked, bodies, by_path, plans, terms
from tests.flow.delivery.rig import envelope, rig


async def test_later_events_of_a_user_wait_behind_one_that_is_asked_again(service: FakeHttp) -> None:
    service.rule = by_path({"/ask/E1": [Reply(status=503)]})
    async with rig(plans(service), terms=terms(service), batching=Batching(max_events=10)) as one:
        one.publish(envelope(0), envelope(1, "u"), envelope(2, "u"), envelope(3))
        await one.finished(4, step=1)

        sent = ",".join(bodies(service)).split(",")
        assert sorted(sent) == ["m0=free", "m1=free", "m2=free", "m3=free"]
        assert sent.index("m1=free") < sent.index("m2=free")


async def test_what_was_answered_goes_before_a_later_event_of_its_user_that_was_not(
    service: FakeHttp,
) -> None:
    service.rule = by_path({"/ask/E1": [Reply(is_reset=True), Reply(is_reset=True)]})
    async with rig(plans(service), terms=terms(service), batching=Batching(max_events=2)) as one:
        one.publish(envelope(0, "u"), envelope(1, "u"), envelope(2))
        await one.finished(3, step=1)

        sent = ",".join(bodies(service)).split(",")
        assert sent.index("m0=free") < sent.index("m1=free")


@pytest.mark.parametrize("answer", [Reply(status=503), Reply(status=400)])
async def test_an_event_that_is_asked_again_does_not_overtake_one_that_the_destination_minds(
    service: FakeHttp, answer: Reply
) -> None:
    """m0 is taken apart from m1 while m2, of its user, is to be tried again."""
    service.rule = lambda request: (
        Reply(status=503) if request.path == "/ask/E2" and len(asked(service)) < 4
        else answer if request.path == "/hook" and b"m1=" in request.body and b"," in request.body
        else None
    )  # fmt: skip
    async with rig(plans(service), terms=terms(service), batching=Batching(max_events=3)) as one:
        one.publish(envelope(0, "u"), envelope(1), envelope(2, "u"))
        await one.finished(3, step=1)

        taken = [text for text in bodies(service) if "," not in text]
        assert taken.index("m0=free") < taken.index("m2=free")


async def test_a_probe_that_is_filtered_says_nothing_of_a_destination_that_is_down(service: FakeHttp) -> None:
    service.rule = by_path(
        {
            "/hook": [Reply(status=503)] * 4,
            **{f"/ask/E{number}": Reply(status=404) for number in range(1, 6)},
        }
    )
    async with rig(plans(service), terms=terms(service)) as one:
        one.publish(*[envelope(number) for number in range(8)])
        await one.finished(8, step=1)

        assert (one.store.count("delivered"), one.store.count("filtered")) == (3, 5)
        assert len(one.of(DestinationResumed)) == 1
        assert all(signal.reason == "503" for signal in one.of(DestinationPaused))


async def test_an_event_that_a_function_refuses_is_no_proof_that_the_destination_is_well(
    service: FakeHttp,
) -> None:
    service.rule = by_path(
        {"/hook": [Reply(status=401)] * 6, **{f"/ask/E{number}": Reply(status=400) for number in (1, 3, 5)}}
    )
    async with rig(plans(service), terms=terms(service)) as one:
        one.publish(*[envelope(number) for number in range(8)])
        await one.finished(8, step=1)

        assert sorted(letter.message_id for letter in one.store.letters) == ["m1", "m3", "m5"]
        assert one.store.count("delivered") == 5


async def test_many_users_and_many_batches_end_exactly_once_whatever_fails(service: FakeHttp) -> None:
    flaky = {f"/ask/E{number}": [Reply(status=503)] for number in range(0, 60, 7)}
    flaky |= {f"/ask/E{number}": [Reply(is_reset=True)] for number in range(3, 60, 11)}
    flaky |= {f"/ask/E{number}": [Reply(status=404)] for number in range(5, 60, 13)}
    service.rule = by_path({**flaky, "/hook": [Reply(), Reply(status=500), Reply(status=413)]})
    options: dict[str, Any] = {"batching": Batching(max_events=7), "concurrency": Concurrency(max=4)}
    async with rig(plans(service), terms=terms(service), **options) as one:
        for start in range(0, 60, 20):
            one.publish(*[envelope(number, f"u{number % 9}") for number in range(start, start + 20)])
        await one.finished(60, step=1)

        sent = [text.split("=")[0] for text in ",".join(bodies(service)).split(",")]
        dropped = {f"m{number}" for number in range(5, 60, 13)}
        assert set(sent) | dropped == {f"m{number}" for number in range(60)}
        assert one.store.count("delivered") + one.store.count("filtered") == 60
