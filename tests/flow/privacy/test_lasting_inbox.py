"""What was found outlives the router, and each new field is told once."""

from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from router.config.load import load
from router.enrichment.alerts import ALERT_EVENT
from router.enrichment.findings import FORGOTTEN_MILLISECONDS, MOST_FIELDS, SHOWN_MILLISECONDS, Findings
from router.errors import ConfigError, StoreUnavailable
from router.events.found_field import FoundField
from router.storage.store import Commit
from router.telemetry.happenings import FieldsFound
from router.telemetry.logs import facts_of
from router.testing.fake_http import FakeHttp
from router.testing.running import Running, running
from tests.flow.reload.rig import Reloading

SOURCES = {"website": {"write_key": "wk_demo"}, "alarms": {"write_key": "wk_alarms"}}


def config(**privacy: Any) -> dict[str, Any]:
    """Alerts appear on the source `alarms`."""
    return {"sources": SOURCES, "privacy": {"alerts": "alarms", **privacy}}


async def send(rig: Running, event: str = "A", **properties: Any) -> None:
    await rig.router.track(event, user_id="u1", properties=properties, source="website")
    await rig.drained()


def alerts(rig: Running) -> list[str]:
    """The fields that were told."""
    return [one["properties"]["field"] for one in rig.delivered if one["event"] == ALERT_EVENT]


def inbox(rig: Running) -> dict[str, int]:
    """How often each field was seen."""
    return {one.path: one.events for one in rig.router.privacy().inbox}


async def test_privacy_01_the_inbox_outlives_the_router(tmp_path: Path) -> None:
    async with running(config(), folder=tmp_path) as rig:
        await send(rig, ssn="123-45-6789")
        await send(rig, ssn="123-45-6789")
        before = rig.router.privacy().inbox

    async with running(config(), folder=tmp_path) as rig:
        after = rig.router.privacy().inbox

    assert after == before
    assert [(one.path, one.recommended, one.events, one.sources) for one in after] == [
        ("properties.ssn", "red", 2, ["website"])
    ]


async def test_a_new_field_is_told_once_and_not_again_after_a_restart(tmp_path: Path) -> None:
    async with running(config(), folder=tmp_path) as rig:
        await send(rig, ssn="123-45-6789")
        await send(rig, ssn="123-45-6789")
        assert alerts(rig) == ["properties.ssn"]

    async with running(config(), folder=tmp_path) as rig:
        await send(rig, ssn="123-45-6789", email="ada@example.com")
        assert alerts(rig) == ["properties.email"]


async def test_an_alert_says_what_was_found_where_and_no_value() -> None:
    async with running(config()) as rig:
        await send(rig, ssn="123-45-6789")
        counters = await rig.counters()

    [alert] = [one for one in rig.delivered if one["event"] == ALERT_EVENT]
    assert alert["userId"] == "privacy-alerts"
    assert alert["messageId"].startswith("pri-")
    assert alert["forwardedFromProject"] == "website"
    told = alert["properties"]
    assert (told["field"], told["recommendedClassification"], told["matcher"]) == (
        "properties.ssn", "red", "social security number",
    )  # fmt: skip
    assert (told["sourceName"], told["eventName"], told["eventType"]) == ("website", "A", "track")
    assert "123-45-6789" not in repr(alert)
    assert counters["created_at_source", "alarms", "privacy_alert"] == 1


async def test_a_webhook_on_the_source_of_the_alerts_gets_them(service: FakeHttp) -> None:
    hook = {"kind": "webhook", "sources": ["alarms"], "settings": {"url": service.url}}
    async with running({**config(), "destinations": {"hook": hook}}) as rig:
        await send(rig, ssn="123-45-6789", plan="pro")

    [request] = service.requests
    assert request.json()["properties"]["field"] == "properties.ssn"


async def test_a_classified_field_is_not_told() -> None:
    async with running(config(green=["ssn"])) as rig:
        await send(rig, ssn="123-45-6789")

        assert (alerts(rig), inbox(rig)) == ([], {})


async def test_without_alerts_fields_are_listed_and_nothing_is_made() -> None:
    async with running({"sources": SOURCES, "privacy": {}}) as rig:
        await send(rig, ssn="123-45-6789")

        assert (alerts(rig), inbox(rig)) == ([], {"properties.ssn": 1})
        assert len(rig.delivered) == 1


async def test_one_step_with_the_field_in_many_events_tells_it_once() -> None:
    async with running(config(look_every=1)) as rig:
        await rig.router.track("B", user_id="u1", source="website")
        for _ in range(50):
            await rig.router.track("A", user_id="u1", properties={"ssn": "1"}, source="website")
        await rig.drained()

        assert (alerts(rig), inbox(rig)) == (["properties.ssn"], {"properties.ssn": 50})


async def test_an_event_of_a_failed_step_counts_once_and_is_told_once() -> None:
    async with running(config()) as rig:
        storage, failed = rig.router.storage, []
        commit = storage.commit

        async def fail_once(step: Commit) -> bool:
            if step.findings and not failed:
                failed.append(step)
                raise StoreUnavailable("the disk failed")
            return await commit(step)

        storage.commit = fail_once  # type: ignore[method-assign]
        await send(rig, ssn="123-45-6789")

        assert failed
        assert (alerts(rig), inbox(rig)) == (["properties.ssn"], {"properties.ssn": 1})
        assert len(await storage.inventory.findings.read()) == 1


async def test_a_field_of_a_commit_whose_answer_was_lost_is_not_new_again() -> None:
    async with running(config()) as rig:
        storage, lost = rig.router.storage, []
        commit = storage.commit

        async def lose_answer(step: Commit) -> bool:
            is_committed = await commit(step)
            if step.findings and not lost:
                lost.append(step)
                raise StoreUnavailable("the answer was lost")
            return is_committed

        storage.commit = lose_answer  # type: ignore[method-assign]
        await send(rig, ssn="123-45-6789")
        await send(rig, ssn="123-45-6789")

        assert lost
        assert (alerts(rig), inbox(rig)) == (["properties.ssn"], {"properties.ssn": 2})


async def test_a_reload_begins_to_look_and_to_tell() -> None:
    async with running({"sources": SOURCES}) as rig:
        for _ in range(40):
            await rig.router.track("A", user_id="u1", properties={"ssn": "1"}, source="website")
        await rig.drained()
        await Reloading(rig).reload(sources=SOURCES, privacy={"alerts": "alarms"})
        await send(rig, ssn="1")

        assert alerts(rig) == ["properties.ssn"]


async def test_pages_are_looked_at_by_their_names() -> None:
    async with running({"sources": SOURCES}) as rig:
        for name in ("Home", "Pricing"):
            for _ in range(40 if name == "Home" else 2):
                await rig.router.page(name, user_id="u1", properties={"ssn": "1"}, source="website")
        await rig.drained()
        await Reloading(rig).reload(sources=SOURCES, privacy={"look_every": 10_000})
        for name in ("Pricing", "Home"):
            await rig.router.page(name, user_id="u1", properties={"ssn": "1"}, source="website")
        await rig.drained()

        assert inbox(rig) == {"properties.ssn": 2}


async def test_a_rare_field_is_seen_at_once_however_busy_its_event_is() -> None:
    async with running(config(look_every=10_000)) as rig:
        for _ in range(300):
            await rig.router.track("A", user_id="u1", properties={"plan": "pro"}, source="website")
        await rig.drained()
        await send(rig, plan="pro", email="ada@example.com")

        [seen] = [one for one in rig.router.inventory.rows() if one.name == "A"]
        assert "email" in seen.properties
        assert alerts(rig) == ["properties.email"]


async def test_what_cannot_be_read_harms_nothing() -> None:
    async with running(config(look_every=1)) as rig:
        call = '{"writeKey":"wk_demo","type":"track","event":"A","userId":"u1","properties":%s}'
        async with aiohttp.ClientSession() as client:
            for properties in (
                r'{"ssn\ud800":1e999}',
                r'{"a":"\ud800","ssn":1}',
                '{"a":' * 300 + "1" + "}" * 300,
            ):
                async with client.post(f"{rig.url}/v1/track", data=(call % properties).encode()) as answer:
                    await answer.read()
        await rig.drained()

        assert (await rig.counters()).get(("failed_on_ingest", "website", "processing_error"), 0) == 0


async def test_a_signal_names_new_fields_and_the_log_only_how_many() -> None:
    heard: list[FieldsFound] = []
    async with running(config()) as rig:
        rig.signals.observe(lambda one: heard.append(one) if isinstance(one, FieldsFound) else None)
        await send(rig, ssn="123-45-6789")

    assert heard == [FieldsFound(("properties.ssn",))]
    assert facts_of(heard[0])["count"] == 1
    assert "ssn" not in repr(facts_of(heard[0]))


async def test_hostile_fields_are_bounded_in_the_store_too(tmp_path: Path) -> None:
    async with running(config(look_every=1), folder=tmp_path) as rig:
        for number in range(30):
            await send(rig, **{f"email_{number}_{one}": 1 for one in range(300)})
        told = alerts(rig)

    assert len(set(told)) == len(told) <= MOST_FIELDS
    async with running(config(), folder=tmp_path) as rig:
        assert len(await rig.router.storage.inventory.findings.read()) <= MOST_FIELDS


def found(path: str, at: int) -> FoundField:
    return FoundField(path, "red", "ssn", "name", "9", at, at, 1, {"website"})


def note(findings: Findings, *rows: FoundField) -> list[bool]:
    step = findings.step()
    told = [step.note(msgspec.structs.replace(row)) for row in rows]
    findings.committed()
    return told


def test_while_the_inbox_is_full_of_the_last_days_new_fields_are_not_told() -> None:
    findings = Findings()
    findings.load(found(str(number), 1000 + number) for number in range(MOST_FIELDS))

    assert note(findings, found("new", 5000)) == [False]
    assert note(findings, found("later", 5000 + SHOWN_MILLISECONDS)) == [True]
    assert len(findings.rows()) == MOST_FIELDS
    assert findings.take()[1] == ["0", "1"]


def test_a_field_that_is_seen_no_more_is_forgotten_after_a_while() -> None:
    findings = Findings()
    findings.load([found("old", 0)])

    note(findings, found("new", FORGOTTEN_MILLISECONDS + 1))

    assert [one.path for one in findings.rows()] == ["new"]


def test_what_could_not_be_written_is_given_back() -> None:
    findings = Findings()
    findings.load([found("a", 0)])
    note(findings, found("a", 1))

    findings.give_back(*findings.take())

    assert [one.events for one in findings.take()[0]] == [2]


def test_steps_of_which_none_is_committed_leave_nothing() -> None:
    findings = Findings()
    assert findings.step().note(found("a", 0))
    assert not findings.step().note(found("a", 0))

    findings.forget()

    assert findings.rows() == []
    assert findings.step().note(found("a", 0))


@pytest.mark.parametrize(("text", "said"), [
    ('[privacy]\nalerts = "alrms"', 'privacy.alerts: there is no source "alrms"; did you mean "alarms"?'),
    ("[privacy]\nalerts = 1", "privacy.alerts"),
])  # fmt: skip
def test_the_source_of_the_alerts_is_checked(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "router.toml"
    file.write_text(f'[sources.alarms]\nwrite_key = "k"\n{text}\n')

    with pytest.raises(ConfigError) as refused:
        load(file)

    assert said in str(refused.value)


async def test_a_name_that_has_a_colour_hides_no_key_that_only_ends_like_it() -> None:
    async with running({**config(yellow=["email"]), "sources": SOURCES}) as rig:
        await send(rig, **{"user.email": "ann@example.com", "email": "ann@example.com"})

        assert list(inbox(rig)) == ["properties.user.email"]
