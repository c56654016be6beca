"""Insert functions of Segment change, drop or refuse events, each by itself."""

from typing import Any

import msgspec
import pytest

from router.errors import PluginError
from router.events.calls import AnyEvent, Track, decode_event
from router.javascript.function_settings import FunctionSettings
from router.javascript.function_transformation import FunctionTransformation
from router.plugins.chain import Chain
from router.plugins.dropped import Dropped
from router.plugins.settings import setting_hook
from router.testing import identify, one_of_each, page, track

UNSUPPORTED = Dropped("unsupported_event_type")


def function(code: str, **settings: Any) -> FunctionTransformation:
    return FunctionTransformation(FunctionSettings(code=code, **settings), name="tidy")


def transformed(code: str, event: AnyEvent, **settings: Any) -> Any:
    return Chain([function(code, **settings)]).apply(event)


def test_the_event_that_is_returned_goes_on() -> None:
    code = "async function onTrack(event, settings) { event.properties.shop = settings.shop; return event }"

    made = transformed(code, track("A", properties={"n": 1}), settings={"shop": "web"})

    assert made.properties == {"n": 1, "shop": "web"}


def test_fields_of_a_clients_own_stay() -> None:
    event = decode_event(track("A").json[:-1] + b',"own":{"a":1}}')

    assert transformed("function onTrack(event) { return event }", event).fields["own"] == {"a": 1}


def test_protocols_23_an_event_without_a_handler_is_dropped_as_unsupported() -> None:
    assert transformed("function onTrack(event) { return event }", page("Home")) == UNSUPPORTED


@pytest.mark.parametrize(
    ("code", "dropped"),
    [
        ("function onTrack() {}", "filtered_at_insert_function"),
        ("async function onTrack() { return null }", "filtered_at_insert_function"),
        ("function onTrack() { throw new DropEvent('not today') }", "dropped_by_function"),
        ("async function onTrack() { throw new EventNotSupported('no') }", "unsupported_event_type"),
    ],
)
def test_an_event_is_dropped_with_its_reason(code: str, dropped: str) -> None:
    assert transformed(code, track("A")) == Dropped(dropped)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("function onTrack() { throw 'words' }", r"function 'tidy': Error: words"),
        ("function onTrack() { console.log('seen'); throw new ValidationError('x') }", r"x \(line 1\)\nseen"),
        ("async function onTrack() { await fetch('https://a.b') }", r"Error: fetch cannot be used here"),
        ("function onTrack() { return 5 }", r"returned what is no event: Expected `object`, got `int`"),
        ("function onTrack() { return [] }", r"returned what is no event"),
        ("function onTrack(event) { event.userId = 5; return event }", r"returned what is no event: Expected `str"),
        ("function onTrack(event) { event.type = 'page'; return event }", r"made a page event of a track event"),
        ("function onTrack(event) { event.type = 'buy'; return event }", r"Invalid value 'buy'"),
        ("function onTrack(event) { event.messageId = 'm-of-another'; return event }", r"changed the message id"),
        ("function onTrack(event) { delete event.event; return event }", r"missing required field `event`"),
    ],
)  # fmt: skip
def test_what_breaks_is_said(code: str, message: str) -> None:
    with pytest.raises(PluginError, match=message):
        transformed(code, track("A"))


@pytest.mark.parametrize("field", ["receivedAt", "timestamp", "messageId", "type"])
def test_what_the_engine_needs_is_put_back(field: str) -> None:
    event = track("A")

    made = transformed(
        f"function onTrack(event) {{ delete event.{field}; event.event = 'B'; return event }}", event
    )

    assert made.fields == {**event.fields, "event": "B"}


def test_integers_that_javascript_rounds_keep_their_digits_where_they_are_left_alone() -> None:
    event = track(
        "A", properties={"id": 2**63 - 1, "list": [{"id": 2**53 + 1}], "n": 2**60 + 1, "text": "9" * 20}
    )

    made = transformed("function onTrack(event) { event.properties.n += 1e18; return event }", event)

    assert made.properties == {**event.properties, "n": 2152921504606847000}


@pytest.mark.parametrize(
    "stored",
    [
        b'{"__proto__":{"polluted":true},"constructor":1,"toString":2}',
        '{"ä😀\u2028":"\\u0000\\n</script>"}'.encode(),
        b'{"deep":' + b"[" * 400 + b"]" * 400 + b"}",
        b'{"n":1e400,"m":-1e-400}',
    ],
)
def test_hostile_properties_do_not_get_out_of_their_place(stored: bytes) -> None:
    event = decode_event(track("A").json.replace(b'"properties":{}', b'"properties":' + stored))
    innocent = track("B")
    code = "function onTrack(event) { event.context.seen = typeof {}.polluted; return event }"

    made, other = Chain([function(code)]).apply_all([event, innocent])

    assert isinstance(made, Track)
    assert isinstance(other, Track)
    assert made.context["seen"] == other.context["seen"] == "undefined"
    if b"e400" not in stored:  # JavaScript knows no such number: it becomes null
        assert made.properties == event.properties


def test_one_event_that_breaks_harms_no_other() -> None:
    code = (
        "function onTrack(event) { if (event.event === 'bad') for (;;); event.context.ok = 1; return event }"
    )
    events = [track("A"), track("bad"), track("B"), page("Home"), track("C")]

    made = Chain([function(code, time_limit=0.1)]).apply_all(events)

    assert [type(one) for one in made] == [Track, PluginError, Track, Dropped, Track]


def test_an_event_without_properties_has_an_empty_object_for_the_function() -> None:
    bare = decode_event(track("A").json.replace(b',"properties":{}', b""))

    made = transformed("function onTrack(event) { event.properties.x = 1; return event }", bare)

    assert made.properties == {"x": 1}


def test_every_type_has_its_handler() -> None:
    code = "".join(
        f"function on{name}(event) {{ event.context.handler = 'on{name}'; return event }}\n"
        for name in ("Identify", "Track", "Page", "Screen", "Group", "Alias")
    )

    made = Chain([function(code)]).apply_all(one_of_each())

    handlers = [one.context["handler"] for one in made]  # type: ignore[union-attr]
    assert handlers == [f"on{one.type.title()}" for one in one_of_each()]


BATCH = """
function onTrack(event) { event.context.by = "onTrack"; return event }
function onBatch(events) {
  for (const event of events) event.context.by = "onBatch";
  return CHANGED;
}
"""


@pytest.mark.parametrize(
    ("returned", "by"),
    [
        ("events", ["onBatch", "onBatch", "onBatch"]),
        ("events.reverse()", ["onBatch", "onBatch", "onBatch"]),
        ("events.filter((event) => event.event !== 'B')", ["onBatch", None, "onBatch"]),
        ("events.map(({ messageId, ...rest }) => rest)", ["onBatch", "onBatch", "onBatch"]),
    ],
)
def test_what_a_batch_returns_is_matched_by_message_id_or_else_by_place(returned: str, by: list[Any]) -> None:
    events = [track("A"), track("B"), identify()]

    made = Chain([function(BATCH.replace("CHANGED", returned))]).apply_all(events)

    assert [None if isinstance(one, Dropped) else one.context["by"] for one in made] == by  # type: ignore[union-attr]
    assert [one.message_id for one in made if not isinstance(one, (Dropped, Exception))] == [
        event.message_id for event, handler in zip(events, by, strict=True) if handler
    ]


def test_a_batch_that_returns_no_list_breaks() -> None:
    made = Chain([function(BATCH.replace("CHANGED", "5"))]).apply_all([track("A"), track("B")])

    assert [str(one) for one in made] == ["function 'tidy': onBatch returned no list of events"] * 2


def test_one_event_for_which_a_batch_throws_costs_no_other() -> None:
    code = (
        "function onBatch(events) { for (const one of events) if (one.event === 'B') throw 1; return events }"
    )

    made = Chain([function(code)]).apply_all([track(name) for name in "ABCDE"])

    assert [type(one) for one in made] == [Track, PluginError, Track, Track, Track]


def test_a_single_event_goes_to_its_own_handler_and_to_the_batchs_where_it_has_none() -> None:
    code = BATCH.replace("CHANGED", "events")

    assert transformed(code, track("A")).context["by"] == "onTrack"
    assert transformed(code, identify()).context["by"] == "onBatch"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "it needs either file or code"),
        ({"code": "function onTrack(", "settings": {}}, r"code:1:18: SyntaxError"),
        (
            {"code": "function ontrack() {}"},
            "it has no handler; write a function of one of the names onIdentify",
        ),
        ({"code": "function onTrack() {}", "time_limit": "0s"}, "time_limit = 0 s is not within"),
        ({"code": "function onTrack() {}", "memory_limit": "1MiB"}, "memory_limit leaves no room"),
        ({"file": "nowhere.js"}, r"file nowhere.js cannot be read \(No such file or directory\)"),
        ({"file": ""}, "expected the path of a file"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises((ValueError, msgspec.ValidationError), match=message):
        msgspec.convert(settings, FunctionSettings, dec_hook=setting_hook)
