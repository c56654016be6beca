"""Events of a whole router get their profiles, in one commit with all that is known of them."""

from collections.abc import Sequence
from typing import Any

import pytest

from router.config.load import load
from router.errors import ProfileRefused, StorageError, StoreUnavailable
from router.events.envelope import Envelope
from router.identity.resolver import Resolver
from router.rules.identity.facts import Facts
from router.rules.identity.graph import Graph
from router.storage.profile import Key, Profile
from router.storage.segment import decode_segment
from router.telemetry.happenings import ProfileEdited
from router.telemetry.signals import Signal
from router.testing.running import Running, running

WITH_PROFILES: dict[str, Any] = {"identity": {}}


async def stream(rig: Running) -> Sequence[Envelope]:
    segments = await rig.router.storage.read_stream(0, 1 << 24)
    return [envelope for one in segments for envelope in decode_segment(one.data)]


async def owner(rig: Running, value: str, type: str = "user_id") -> Profile | None:
    return (await rig.router.storage.profiles.owners([Key("default", "users", type, value)]))[0]


async def test_every_event_carries_its_profile_in_the_stream() -> None:
    async with running(WITH_PROFILES) as rig:
        await rig.router.track("Met", user_id="u1", anonymous_id="a1")
        await rig.router.page("Home", anonymous_id="a1")
        await rig.router.track("Met", user_id="u2")
        await rig.drained()
        first, second, third = [one.profile_id for one in await stream(rig)]
        found = await owner(rig, "u1")

        assert first == second != third
        assert found is not None
        assert found.id == first


async def test_profiles_are_known_after_a_restart() -> None:
    async with running(WITH_PROFILES) as rig:
        await rig.router.identify(user_id="u1", anonymous_id="a1", traits={"plan": "gold"})
        await rig.drained()
        await rig.restart()
        await rig.router.track("Met", anonymous_id="a1")
        await rig.drained()

        first, second = [one.profile_id for one in await stream(rig)]
        assert first == second
        [traits] = await rig.router.storage.profiles.traits([str(first)])
        assert traits.values["plan"].json == b'"gold"'


async def test_without_the_section_there_are_no_profiles() -> None:
    async with running() as rig:
        await rig.router.track("Met", user_id="u1")
        await rig.drained()

        assert [one.profile_id for one in await stream(rig)] == [None]
        assert await rig.router.storage.profiles.next_change() == 0


async def test_a_reload_turns_profiles_on() -> None:
    async with running() as rig:
        await rig.router.track("Met", user_id="u1")
        await rig.drained()
        config = load({**rig.config, "identity": {}}, registry=rig.router.registry)
        await rig.router.reload(config)
        await rig.router.track("Met", user_id="u1")
        await rig.drained()

        before, after = await stream(rig)
        assert before.profile_id is None
        assert after.profile_id is not None


async def test_a_workspace_goes_by_rules_of_its_own_and_a_reload_changes_them_for_new_events() -> None:
    sources = {"website": {"write_key": "wk_demo"}, "app": {"write_key": "two", "workspace": "mobile"}}
    identity = {"spaces": {"mobile": {"filters": ['event = "Beat"'], "limits": {"user_id": {"count": 2}}}}}
    async with running({"sources": sources, "identity": identity}) as rig:
        for source in ("website", "app"):
            await rig.router.track("Beat", user_id="u1", source=source)
            await rig.router.identify(user_id="u1", traits={"email": "a@b.c"}, source=source)
            await rig.router.identify(user_id="u2", traits={"email": "a@b.c"}, source=source)
        await rig.drained()
        beat, one, other, mobile_beat, mobile, same = [item.profile_id for item in await stream(rig)]

        assert beat == one != other
        assert mobile_beat is None
        assert mobile == same
        config = load({**rig.config, "identity": {}}, registry=rig.router.registry)
        await rig.router.reload(config)
        await rig.router.track("Beat", user_id="u1", source="app")
        await rig.router.identify(user_id="u3", traits={"email": "a@b.c"}, source="app")
        await rig.drained()

        beat, new = [item.profile_id for item in (await stream(rig))[6:]]
        assert beat == mobile != new


async def test_identity_25_a_filtered_event_is_delivered_all_the_same() -> None:
    async with running({"identity": {"filters": ['event = "Beat"']}}) as rig:
        await rig.router.track("Beat", user_id="u1")
        await rig.router.track("Met", user_id="u2")
        await rig.drained()

        assert [one["event"] for one in rig.delivered] == ["Beat", "Met"]
        assert await owner(rig, "u1") is None
        assert await owner(rig, "u2") is not None


async def test_identity_18_an_event_with_too_many_traits_is_delivered_all_the_same() -> None:
    async with running(WITH_PROFILES) as rig:
        await rig.router.identify(user_id="u1", traits={f"t{number}": 1 for number in range(301)})
        await rig.drained()

        assert len(rig.delivered[0]["traits"]) == 301
        assert await owner(rig, "u1") is None


async def test_identity_30_concurrent_requests_make_one_profile() -> None:
    async with running(WITH_PROFILES) as rig:
        for _ in range(3):
            for number in range(50):
                await rig.router.track("Met", anonymous_id="a1", user_id=f"u{number % 2}")
        await rig.drained()

        profiles = await rig.router.storage.profiles.pages("default", "users", limit=99)
        assert len(profiles) == 2  # the second user id does not fit, and stands alone


@pytest.fixture(params=["plan", "carry_out"])
def poisoned(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a part of the resolution fail for user "poison"."""
    plain = getattr(Graph, request.param)

    def failing(self: Graph, space: Any, facts: Facts, *args: Any, **more: Any) -> Any:
        result = plain(self, space, facts, *args, **more)
        if ("user_id", "poison") in facts.users:
            raise ValueError("boom")
        return result

    monkeypatch.setattr(Graph, request.param, failing)


@pytest.mark.usefixtures("poisoned")
async def test_an_event_that_cannot_be_resolved_is_given_up_alone() -> None:
    async with running(WITH_PROFILES) as rig:
        for user in ("before", "poison", "after"):
            await rig.router.track("Met", user_id=user, message_id=user)
        await rig.drained()
        [letter] = await rig.router.storage.dead_letters(None, 10)
        counters = await rig.counters()

        assert [one["userId"] for one in rig.delivered] == ["before", "after"]
        assert (letter.reason, letter.message_id) == ("processing_error", "poison")
        assert counters["successfully_received", "embedded"] == 2
        assert counters["failed_on_ingest", "embedded", "processing_error"] == 1
        assert await owner(rig, "before") is not None
        assert await owner(rig, "poison") is None


async def test_a_commit_that_fails_leaves_no_trace_in_the_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(WITH_PROFILES) as rig:
        storage = rig.router.storage
        plain, failures = storage.commit, [StoreUnavailable("no"), StoreUnavailable("no")]

        async def commit(commit: Any) -> bool:
            if failures:
                raise failures.pop()
            return await plain(commit)

        monkeypatch.setattr(storage, "commit", commit)
        await rig.router.track("Met", user_id="u1", anonymous_id="a1")
        await rig.router.track("Met", anonymous_id="a1")
        await rig.drained()

        assert len({one.profile_id for one in await stream(rig)}) == 1
        assert len(await storage.profiles.pages("default", "users", limit=9)) == 1
        kinds = [one.kind for one in await storage.profiles.changes(0, 99)]
        assert kinds == ["created", "mapped", "mapped"]


async def test_a_store_that_cannot_be_read_holds_the_events(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(WITH_PROFILES) as rig:
        plain, failures = Resolver.learn, [StorageError("no")]

        async def learn(self: Resolver, keys: Any) -> None:
            if failures:
                raise failures.pop()
            await plain(self, keys)

        monkeypatch.setattr(Resolver, "learn", learn)
        await rig.router.track("Met", user_id="u1")
        await rig.drained()

        assert [one.profile_id for one in await stream(rig)] != [None]


async def test_people_join_and_split_profiles() -> None:
    async with running(WITH_PROFILES) as rig:
        heard: list[Signal] = []
        rig.signals.observe(heard.append)
        await rig.router.identify(user_id="u1", traits={"plan": "gold"})
        await rig.router.track("Met", user_id="u2", anonymous_id="a2")
        await rig.drained()
        one, two = await owner(rig, "u1"), await owner(rig, "u2")
        assert one is not None
        assert two is not None
        profiles = rig.router.profiles

        survivor = await profiles.merge([two.id, one.id], by="ann")
        await rig.router.track("Met", user_id="u2")
        await rig.drained()
        assert (await stream(rig))[-1].profile_id == survivor
        new = await profiles.split(survivor, [("user_id", "u2"), ("anonymous_id", "a2")], by="ann")
        await rig.router.track("Met", anonymous_id="a2")
        await rig.drained()

        assert (await stream(rig))[-1].profile_id == new != survivor
        await rig.restart()
        found = await owner(rig, "u2")
        assert found is not None
        assert found.id == new
        acts = [(one.act, one.by) for one in heard if isinstance(one, ProfileEdited)]
        assert acts == [("merge", "ann"), ("split", "ann")]
        last = (await rig.router.storage.profiles.changes(0, 99))[-1]
        assert (last.kind, last.event_type, last.event_name, last.source) == (
            "mapped",
            "operator",
            "split",
            "ann",
        )


async def test_people_take_identifiers_away_and_delete_profiles() -> None:
    async with running(WITH_PROFILES) as rig:
        await rig.router.track("Met", user_id="u1", anonymous_id="a1")
        await rig.drained()
        found = await owner(rig, "u1")
        assert found is not None

        await rig.router.profiles.take_away(found.id, ("anonymous_id", "a1"), by="ann")
        assert await owner(rig, "a1", "anonymous_id") is None
        await rig.router.profiles.delete(found.id, by="ann")
        assert await owner(rig, "u1") is None
        await rig.router.track("Met", user_id="u1")
        await rig.drained()
        assert (await stream(rig))[-1].profile_id not in (None, found.id)


async def test_what_makes_no_sense_by_hand_is_refused() -> None:
    async with running(WITH_PROFILES) as rig:
        await rig.router.group("g1", user_id="u1")
        await rig.drained()
        user = await owner(rig, "u1")
        assert user is not None
        [account] = await rig.router.storage.profiles.pages("default", "accounts", limit=9)
        before = await rig.router.storage.profiles.next_change()
        profiles = rig.router.profiles

        for refused in (
            profiles.merge([user.id, user.id], by="ann"),
            profiles.merge([user.id, account.id], by="ann"),
            profiles.merge([user.id, "use_nobody"], by="ann"),
            profiles.split(user.id, [("user_id", "u1")], by="ann"),
            profiles.split(user.id, [("user_id", "u9")], by="ann"),
            profiles.split(user.id, [], by="ann"),
            profiles.delete("", by="ann"),
        ):
            with pytest.raises(ProfileRefused):
                await refused
        assert await rig.router.storage.profiles.next_change() == before
