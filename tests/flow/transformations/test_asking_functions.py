"""Insert functions that use `fetch`, in a whole router: configured, kept apart from what is kept, replayed."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from router.admin.dead import LIST, RETRY, LetterIds, ListLetters, answer_dead
from router.admin.verbs import Desk
from router.replay.keeper import Wanted
from router.replay.preview import look
from router.storage.letters import PIPELINE
from router.telemetry.conservation import all_sums
from router.testing.fake_http import FakeHttp, Received, Reply
from router.testing.running import Running, running

CODE = """
async function onTrack(event, { url, token }) {
  const answer = await fetch(url + "/ask/" + event.event, { headers: { "X-Key": token } });
  if (answer.status === 404) return null;
  if (!answer.ok) throw new ValidationError(`status ${answer.status}`);
  event.properties.plan = await answer.text();
  return event;
}
"""


@pytest.fixture
async def service() -> AsyncIterator[FakeHttp]:
    async with FakeHttp() as one:
        yield one


def config(service: FakeHttp, **where: Any) -> dict[str, Any]:
    function = {
        "kind": "function",
        "settings": {"code": CODE, "settings": {"url": service.url}, "secrets": {"token": "s3cr3t-key"}},
        **(where or {"destinations": ["crm"]}),
    }
    return {
        "destinations": {"crm": {"kind": "webhook", "settings": {"url": service.url + "/hook"}}},
        "transformations": {"ask": function},
    }


def answers(service: FakeHttp, **statuses: int) -> None:
    """Answer questions about these events with these statuses, and about others with a plan."""

    def rule(request: Received) -> Reply | None:
        name = request.path.removeprefix("/ask/")
        if name == request.path:
            return None
        return Reply(status=statuses[name]) if name in statuses else Reply(body=b"pro")

    service.rule = rule


def hooked(service: FakeHttp) -> list[Any]:
    return [request.json() for request in service.requests if request.path == "/hook"]


async def send(rig: Running, *names: str) -> None:
    for name in names:
        await rig.router.track(name, user_id="u1", message_id=f"m-{name}")
    await rig.drained()


async def test_only_the_destination_gets_what_the_answer_says_and_every_sum_holds(service: FakeHttp) -> None:
    answers(service, B=404, C=400)
    async with running(config(service)) as rig:
        await send(rig, "A", "B", "C", "D")

        assert [(one["event"], one["properties"]) for one in hooked(service)] == [
            ("A", {"plan": "pro"}),
            ("D", {"plan": "pro"}),
        ]
        assert ["properties" in one for one in rig.delivered] == [False] * 4
        sums = {one.destination: one for one in all_sums(await rig.router.storage.books())}
        crm = sums["crm"]
        assert (crm.accepted, crm.outcomes["delivered"], crm.outcomes["filtered"], crm.outcomes["dead"]) == (
            4,
            2,
            1,
            1,
        )
        assert not any(one.missing or one.pending for one in sums.values())


async def test_a_dead_letter_shows_the_question_without_secrets(service: FakeHttp) -> None:
    answers(service, C=400)
    async with running(config(service)) as rig:
        await send(rig, "C")

        (letter,) = await rig.router.storage.dead_letters("crm", 10)
        assert f"GET {service.url}/ask/C" in letter.request
        assert "x-key: ***" in letter.request
        assert letter.answer == "ValidationError: status 400 (line 5)"


async def test_an_event_that_is_sent_again_is_asked_about_again(service: FakeHttp) -> None:
    answers(service, C=400)
    async with running(config(service)) as rig:
        await send(rig, "C")
        router, desk = rig.router, Desk()
        answer_dead(
            desk,
            router.storage,
            now=router.clock.now,
            destinations=lambda: router.destinations,
            accept=router.accept,
        )
        answers(service)
        page = await desk.ask(LIST, ListLetters(newest_first=False))
        await desk.ask(RETRY, LetterIds([line.id for line in page.lines]))
        await rig.drained()

        assert [one["properties"] for one in hooked(service)] == [{"plan": "pro"}]
        sums = all_sums(await rig.router.storage.books())
        assert not any(one.missing or one.pending for one in sums)


async def test_a_replay_asks_again_and_a_look_at_it_shows_the_question(service: FakeHttp) -> None:
    answers(service)
    async with running(config(service)) as rig:
        await send(rig, "A")
        wanted = Wanted("crm", 0, 1 << 62)
        target = rig.router.destinations.targets["crm"]  # type: ignore[attr-defined]

        piece = await look(rig.router.storage, target, wanted, position=None, seconds=5)
        await rig.router.replays.begin(wanted)
        async with asyncio.timeout(10):
            await rig.router.replays.idle()

        (sample,) = piece.samples
        assert sample.startswith(f"GET {service.url}/ask/A")
        assert "s3cr3t-key" not in sample
        assert [request.path for request in service.requests] == ["/ask/A", "/hook"] * 2


async def test_for_a_source_it_asks_before_the_event_is_kept(service: FakeHttp) -> None:
    answers(service)
    async with running(config(service, sources=["embedded"])) as rig:
        await rig.router.track("A", user_id="u1")
        await rig.drained()

        assert service.requests[0].path == "/ask/A"
        assert await rig.router.storage.dead_letters(PIPELINE, 10) == []
