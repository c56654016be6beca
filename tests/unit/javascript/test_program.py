"""A function is loaded once, called often, cut off when it takes too much, and never harms another call."""

import threading
import time
from typing import Any

import msgspec
import pytest

from router.errors import PluginError
from router.javascript import isolate
from router.javascript.errors import EngineMissing, ScriptFailed
from router.javascript.program import Ended, Job, Program

ENDLESS = "function onTrack(event) { if (event.bad) for (;;); return event; }"
ENDLESS_LATER = "async function onTrack(event) { await null; if (event.bad) for (;;); return event; }"
BOMB = "function onTrack(event) { const kept = []; while (event.bad) kept.push({ x: [1] }); return event; }"
BUFFERS = "function onTrack(event) { const kept = []; while (event.bad) kept.push(new Uint8Array(1e6)); return event; }"


def program(code: str, **options: Any) -> Program:
    return Program(code, name="crm.js", **options)


def value(end: Ended) -> Any:
    assert end.error is None, end.error
    return None if end.value is None else msgspec.json.decode(end.value)


def called(code: str, event: bytes = b"{}", **options: Any) -> Any:
    (end,) = program(code, **options).call_all("onTrack", [event])
    return value(end)


def failure(code: str, event: bytes = b"{}", **options: Any) -> str:
    (end,) = program(code, **options).call_all("onTrack", [event])
    return str(end.error)


def evaluated(expression: str) -> Any:
    return called(f"function onTrack() {{ return {expression}; }}")


# --- loading -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("function onTrack(event) {\n  return event.;\n}", "crm.js:2:16: SyntaxError: Unexpected token ';'"),
        ("\nnothing.here;", "crm.js:2:1: ReferenceError: nothing is not defined"),
        ("throw 'words'", "crm.js:"),
        ("const lodash = require('lodash')", "crm.js:1"),
        ("\x00", "crm.js:1:1: SyntaxError"),
    ],
)
def test_a_file_that_cannot_be_loaded_is_refused_with_its_place(code: str, message: str) -> None:
    with pytest.raises(ScriptFailed) as failed:
        program(code)

    assert str(failed.value).startswith(message)


@pytest.mark.slow
def test_a_file_that_never_ends_is_refused() -> None:
    with pytest.raises(PluginError, match=r"crm.js: it took more time than it may to load"):
        program("for (;;);")


def test_handlers_are_found_however_they_are_written() -> None:
    code = (
        "async function onTrack() {} const onPage = () => {}; let onGroup = 5; var onBatch = function () {}"
    )

    assert program(code).handlers == {"onTrack", "onPage", "onBatch"}


def test_a_missing_engine_is_named_with_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(isolate, "_LIBRARY", [])
    monkeypatch.setattr(isolate, "import_module", missing)

    with pytest.raises(EngineMissing, match=r'pip install "pointsman\[functions\]"'):
        program("")


def test_the_engine_still_offers_what_is_called_of_it() -> None:
    v8 = isolate._library()

    for name in ("init_context", "eval", "call_function", "set_object_item", "cancel_task", "free_context"):
        assert hasattr(v8, f"mr_{name}")


# --- calls ---------------------------------------------------------------------------------------------


def test_settings_are_the_second_argument() -> None:
    assert called("function onTrack(event, settings) { return settings }", settings={"a": [1, "ä"]}) == {
        "a": [1, "ä"]
    }


@pytest.mark.parametrize("kind", ["function", "async function"])
def test_a_call_may_return_at_once_or_later(kind: str) -> None:
    assert called(f"{kind} onTrack(event) {{ return {{ ...event, b: 2 }} }}", b'{"a":1}') == {"a": 1, "b": 2}


def test_a_call_that_returns_nothing_has_no_value() -> None:
    assert called("function onTrack() {}") is None
    assert called("async function onTrack() { return null }") is None


def test_many_calls_are_one_and_keep_their_order() -> None:
    events = [b'{"n":%d}' % number for number in range(50)]

    ends = program("async function onTrack(event) { if (event.n % 2) await null; return event.n }").call_all(
        "onTrack", events
    )

    assert [value(end) for end in ends] == list(range(50))


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("function onTrack() { throw 'words' }", "Error: words"),
        ("function onTrack() { throw null }", "Error: null"),
        ("function onTrack() { throw { code: 7 } }", 'Error: {"code":7}'),
        ("function onTrack() {\n  return nothing;\n}", "ReferenceError: nothing is not defined (line 2)"),
        ("async function onTrack() { await null;\n throw new RetryError('later') }", "RetryError: later (line 2)"),
        ("function onTrack() { return { toJSON() { throw new Error('no') } } }", "Error: no (line 1)"),
        ("function onTrack() { return 1n }", "TypeError: Do not know how to serialize a BigInt"),
        ("function onTrack() { return onTrack() }", "RangeError: Maximum call stack size exceeded (line 1)"),
    ],
)  # fmt: skip
def test_whatever_is_thrown_is_said_with_its_line(code: str, message: str) -> None:
    assert failure(code) == message


def test_a_circle_is_no_value() -> None:
    assert "circular structure" in failure("function onTrack(event) { event.event = event; return event }")


def test_a_promise_that_nobody_resolves_ends_the_call() -> None:
    later = program("async function onTrack(event) { if (event.bad) await new Promise(() => {}); return 1 }")

    bad, good = later.call_all("onTrack", [b'{"bad":true}', b"{}"])

    assert str(bad.error) == "Error: its promise is never resolved, and nothing is left that could"
    assert value(good) == 1


def test_time_that_is_waited_for_passes_at_once() -> None:
    code = """async function onTrack() {
        const order = [];
        setTimeout(() => order.push("late"), 50000);
        clearTimeout(setTimeout(() => order.push("never"), 1));
        await new Promise((resolve) => setTimeout(resolve, 10000));
        order.push("waited");
        await new Promise((resolve) => setTimeout(resolve, 60000));
        return order;
    }"""

    assert called(code) == ["waited", "late"]


def test_waiting_without_end_is_cut_off_too() -> None:
    code = "function onTrack() { const again = () => setTimeout(again, 1); again(); return new Promise(() => {}) }"

    assert failure(code) == "LimitExceeded: it took more waiting than it may, and was cut off"


def test_what_is_written_to_the_console_is_kept_up_to_4_kb() -> None:
    function = program("""function onTrack(event) {
        for (let i = 0; i < event.times; i++) console.log('a', { b: 1 });
        throw new Error('x');
    }""")

    (end,) = function.call_all("onTrack", [b'{"times":1}'])
    (long,) = function.call_all("onTrack", [b'{"times":1000}'])

    assert end.console == 'a {"b":1}\n'
    assert len(long.console) == 4096


@pytest.mark.parametrize(
    "text",
    [
        '{"__proto__":{"a":1},"constructor":2}',
        '{"ä😀\\u2028":"\\ud83d\\ude00"}',
        '{"a":' + "[" * 500 + "]" * 500 + "}",
        '{"n":1e308}',
    ],
)  # fmt: skip
def test_hostile_events_come_out_as_they_went_in(text: str) -> None:
    assert called("function onTrack(event) { return event }", text.encode()) == msgspec.json.decode(text)


def test_half_a_surrogate_pair_becomes_a_replacement_character() -> None:
    assert evaluated(r"'\ud800'") == "\ufffd"


# --- limits --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [ENDLESS, ENDLESS_LATER, BOMB, BUFFERS])
def test_a_call_without_end_harms_itself_alone(code: str) -> None:
    function = program(code, seconds=0.1, memory=32 << 20)

    ends = function.call_all("onTrack", [b'{"n":1}', b'{"bad":true}', b'{"n":2}'])

    assert [one.error is None for one in ends] == [True, False, True]
    assert value(function.call_all("onTrack", [b'{"n":3}'])[0]) == {"n": 3}


@pytest.mark.parametrize("code", [ENDLESS, ENDLESS_LATER])
def test_a_call_without_end_is_cut_off_within_its_limit(code: str) -> None:
    function = program(code, seconds=0.1)
    begun = time.monotonic()

    (end,) = function.call_all("onTrack", [b'{"bad":true}'])

    assert str(end.error) == "LimitExceeded: it took more time than it may, and was cut off"
    assert time.monotonic() - begun < 5


def test_nothing_goes_on_computing_after_it_was_cut_off() -> None:
    function = program(ENDLESS_LATER, seconds=0.1)
    function.call_all("onTrack", [b'{"bad":true}'])
    for thread in threading.enumerate():
        if thread.name == "javascript end":
            thread.join()
    before = time.process_time()

    threading.Event().wait(0.3)

    assert time.process_time() - before < 0.15


def test_large_events_are_forgotten_after_their_call() -> None:
    function = program("function onTrack(event) { return event.text.length }", memory=16 << 20)

    ends = [
        function.call_all("onTrack", [b'{"text":"%06d%b"}' % (number, b"x" * 200_000)])[0]
        for number in range(300)
    ]

    assert {value(end) for end in ends} == {200_006}


def test_a_function_that_is_always_cut_off_rests_and_is_tried_again() -> None:
    now = [0.0]
    function = program(ENDLESS, seconds=0.02, now=lambda: now[0])

    bad = [str(function.call_all("onTrack", [b'{"bad":true}'])[0].error) for _ in range(4)]
    (resting,) = function.call_all("onTrack", [b"{}"])
    now[0] = 1.5

    assert [one.partition(":")[0] for one in bad] == ["LimitExceeded"] * 3 + ["Resting"]
    assert resting.error is not None
    assert value(function.call_all("onTrack", [b"{}"])[0]) == {}


@pytest.mark.parametrize("name", ["WebAssembly", "SharedArrayBuffer", "Atomics", "process"])
def test_what_could_get_around_the_limits_is_not_there(name: str) -> None:
    assert evaluated(f"typeof {name}") == "undefined"


# --- fetch ---------------------------------------------------------------------------------------------

TWO_STEPS = """async function onTrack(event) {
    const first = await fetch("https://a.example.com/" + event.n, { headers: { "X-A": "1" } });
    const second = await fetch("https://b.example.com/", { method: "post", body: JSON.stringify(await first.json()) });
    return [event.n, second.status, second.ok, second.headers.get("X-B"), await second.text()];
}"""


def answer(function: Program, job: Job, body: bytes, status: int = 200, **headers: str) -> None:
    function.answer(job, job.fetches.popleft(), status=status, headers=headers, body=body)


def test_fetch_comes_out_as_data_and_its_answer_goes_back_in() -> None:
    function = program(TWO_STEPS)

    job = function.start("onTrack", b'{"n":7}')
    first = job.fetches[0]
    answer(function, job, b'{"id":"\xc3\xa4"}')
    second = job.fetches[0]
    answer(function, job, b"no", 404, **{"x-b": "2"})

    assert (first.method, first.url, first.headers) == ("GET", "https://a.example.com/7", {"x-a": "1"})
    assert (second.method, second.body) == ("POST", '{"id":"ä"}'.encode())
    assert job.ended is not None
    assert value(job.ended) == [7, 404, False, "2", "no"]


def test_jobs_stand_side_by_side() -> None:
    function = program(TWO_STEPS)

    one, other = function.start("onTrack", b'{"n":1}'), function.start("onTrack", b'{"n":2}')
    for job in (other, one, other, one):
        answer(function, job, b"{}")

    assert one.ended is not None
    assert other.ended is not None
    assert (value(one.ended)[0], value(other.ended)[0]) == (1, 2)


def test_a_job_that_is_cut_off_ends_those_that_stood_beside_it_so_that_they_are_tried_again() -> None:
    code = ENDLESS.replace(
        "function onTrack(event) {", "async function onTrack(event) { await fetch('https://a.b');"
    )
    function = program(code, seconds=0.1)
    bad, good = function.start("onTrack", b'{"bad":true}'), function.start("onTrack", b"{}")

    answer(function, bad, b"{}")

    assert bad.ended is not None
    assert good.ended is not None
    assert (bad.ended.error.name, good.ended.error.name) == ("LimitExceeded", "Restarted")  # type: ignore[union-attr]


def test_a_fetch_that_nobody_waits_for_is_sent_too() -> None:
    function = program("function onTrack() { fetch('https://a.example.com/') }")

    job = function.start("onTrack", b"{}")

    assert job.fetches[0].url == "https://a.example.com/"


def test_the_cache_keeps_what_was_loaded() -> None:
    code = """let loads = 0;
    async function onTrack() { return cache.load("k", 60000, async () => ++loads) }"""
    function = program(code)

    assert [value(function.call_all("onTrack", [b"{}"])[0]) for _ in range(3)] == [1, 1, 1]


def test_where_fetch_is_refused_it_says_why() -> None:
    function = program("async function onTrack() { await fetch('https://a.b') }", fetch_refused="not here")

    assert str(function.call_all("onTrack", [b"{}"])[0].error) == "Error: not here (line 1)"


def test_where_fetch_is_refused_a_call_that_may_wait_has_it_all_the_same() -> None:
    function = program("async function onTrack() { await fetch('https://a.b') }", fetch_refused="not here")

    job = function.start("onTrack", b"{}")
    refused = function.call_all("onBatch", [])

    assert ([one.url for one in job.fetches], refused) == (["https://a.b/"], [])


SHARED = """
let token;
async function onTrack() {
  token ??= fetch("https://a.b/token");
  return (await token).status;
}
"""


def test_a_job_that_waits_for_what_another_one_fetched_is_tried_again() -> None:
    function = program(SHARED)

    first, second = function.start("onTrack", b"{}"), function.start("onTrack", b"{}")
    assert second.ended is not None
    error = second.ended.error
    function.stop(second)
    answer(function, first, b"")
    third = function.start("onTrack", b"{}")

    assert error is not None
    assert error.name == "Restarted"
    assert first.ended is not None
    assert third.ended is not None
    assert (value(first.ended), value(third.ended)) == (200, 200)
