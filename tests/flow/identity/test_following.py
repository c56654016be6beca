"""Who follows the identity graph of a running router learns of every change, and goes on after a restart."""

import asyncio
from typing import Any

import pytest

from router.admin.profile_changes import CHANGES, AskChanges, answer_changes
from router.admin.verbs import Desk
from router.errors import StoreUnavailable
from router.storage.profile_follower import ProfileFollower
from router.testing.running import Running, running


def kinds(found: Any) -> list[str]:
    return [one.kind for one in found.changes]


async def next_of(follower: ProfileFollower) -> Any:
    return await asyncio.wait_for(follower.read(), 10)


async def test_a_follower_wakes_when_an_event_or_an_operator_changes_the_graph() -> None:
    async with running({"identity": {}}) as rig:
        follower = ProfileFollower(rig.router.profile_log, 0)
        reading = asyncio.ensure_future(next_of(follower))
        await rig.router.track("Met", user_id="u1")

        assert kinds(await reading) == ["created", "mapped"]
        reading = asyncio.ensure_future(next_of(follower))
        await rig.router.track("Nothing new", user_id="u1")
        await rig.router.identify(user_id="u2", traits={"plan": "gold"})
        assert kinds(await reading) == ["created", "mapped", "traits"]
        reading = asyncio.ensure_future(next_of(follower))
        one, other = [found.id for found in await pages(rig)]
        await rig.router.profiles.merge([one, other], by="ann")
        assert "merged" in kinds(await reading)


async def test_a_named_follower_goes_on_after_a_restart_and_sees_nothing_twice() -> None:
    async with running({"identity": {}}) as rig:
        follower = await ProfileFollower.named(rig.router.profile_log, "sync")
        await rig.router.track("Met", user_id="u1")
        first = await next_of(follower)
        await follower.keep()
        await rig.router.track("Met", user_id="u2")
        await rig.drained()
        await rig.restart()

        again = await ProfileFollower.named(rig.router.profile_log, "sync")
        second = await next_of(again)

        assert [one.number for one in (*first.changes, *second.changes)] == [0, 1, 2, 3]


async def test_a_commit_of_which_nobody_knows_whether_it_was_written_wakes_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with running({"identity": {}}) as rig:
        real = rig.router.storage.commit
        failures = [StoreUnavailable("the answer was lost")]

        async def commit(*arguments: Any) -> bool:
            done = await real(*arguments)
            if failures:
                raise failures.pop()
            return done

        monkeypatch.setattr(rig.router.storage, "commit", commit)
        follower = ProfileFollower(rig.router.profile_log, 0)
        await rig.router.track("Met", user_id="u1")

        assert kinds(await next_of(follower)) == ["created", "mapped"]


async def test_an_operator_waits_for_changes_only_so_long() -> None:
    async with running({"identity": {}}) as rig:
        desk = Desk()
        answer_changes(desk, rig.router.profile_log)

        nothing = await desk.ask(CHANGES, AskChanges(is_from_now=True, seconds=0.001))
        asking = asyncio.ensure_future(desk.ask(CHANGES, AskChanges(nothing.next, seconds=10)))
        await rig.router.track("Met", user_id="u1")
        found = await asking

        assert (nothing.next, nothing.changes, nothing.is_end) == (0, (), True)
        assert (kinds(found), found.is_end) == (["created", "mapped"], True)


async def pages(rig: Running) -> Any:
    return await rig.router.storage.profiles.pages("default", "users", limit=9)
