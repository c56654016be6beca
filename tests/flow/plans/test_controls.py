"""Schema controls of a source without a plan, and how what is blocked is shown."""

from typing import Any

from router.admin.tap import Listener, Wanted
from router.testing.running import Running, running


def controlled(**controls: Any) -> dict[str, Any]:
    return {"sources": {"website": {"write_key": "wk_demo", "schema": controls}}}


def watched(rig: Running, **wanted: Any) -> list[bytes]:
    lines: list[bytes] = []
    listener = Listener(Wanted(**wanted))
    listener.put = lambda line: lines.append(f"{line.what} {line.reason} {line.name}".encode())  # type: ignore[method-assign]
    rig.signals.observe(listener.signal)
    return lines


async def test_protocols_31_a_blocked_page_reaches_nobody_and_is_shown_as_blocked() -> None:
    async with running(controlled(block_pages=["Secret"])) as rig:
        lines = watched(rig)
        await rig.router.page("Secret", user_id="u", source="website")
        await rig.router.page("Home", user_id="u", source="website")
        await rig.drained()
        counters = await rig.counters()
        facts = await rig.router.storage.facts()

    assert [event["name"] for event in rig.delivered] == ["Home"]
    assert counters["filtered_at_source", "website", "event_setting"] == 1
    assert facts.stream_next == 1
    assert lines == [b"blocked event_setting Secret"]


async def test_blocked_events_are_shown_to_those_who_want_that_source_only() -> None:
    async with running(controlled(block_events=["A"])) as rig:
        lines = watched(rig, source="other")
        await rig.router.track("A", user_id="u", source="website")
        await rig.drained()

    assert lines == []


async def test_track_and_screen_calls_are_blocked_by_their_own_lists() -> None:
    async with running(controlled(block_events=["Home"], block_screens=["Inbox"])) as rig:
        await rig.router.track("Home", user_id="u", source="website")
        await rig.router.screen("Inbox", user_id="u", source="website")
        await rig.router.page("Home", user_id="u", source="website")
        await rig.router.track("Inbox", user_id="u", source="website")
        await rig.drained()

    assert [event["type"] for event in rig.delivered] == ["page", "track"]


async def test_blocked_traits_are_taken_out_and_the_call_goes_on() -> None:
    async with running(
        controlled(block_traits=["ssn", "address.street", "a.b", "none.x"], block_group_traits=["plan"])
    ) as rig:
        traits = {"ssn": 1, "address": {"street": "x", "city": "y"}, "a.b": 2, "plan": "pro"}
        await rig.router.identify(user_id="u", traits=traits, source="website")
        await rig.router.group("g", user_id="u", traits={"plan": "pro", "ssn": 1}, source="website")
        await rig.drained()

    assert [event["traits"] for event in rig.delivered] == [
        {"address": {"city": "y"}, "plan": "pro"}, {"ssn": 1}
    ]  # fmt: skip


async def test_an_event_that_is_blocked_by_a_setting_is_no_dead_letter() -> None:
    async with running(controlled(block_events=["A"])) as rig:
        await rig.router.track("A", user_id="u", source="website")
        await rig.drained()

        assert await rig.router.storage.dead_letters(None, 10) == []
