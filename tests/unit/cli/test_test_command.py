"""`router test` tries the examples of functions and transformations, and shows what is not as expected."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from router.cli.main import main

CONFIG = """
[sources.website]
write_key = "wk"

[transformations.tidy]
kind = "steps"
sources = ["website"]
settings.steps = [
  { rename = { "properties.total" = "properties.revenue" } },
  { drop = true, if = "event = 'Heartbeat'" },
  { set = { event = { "@path" = "$.properties.name" } }, if = "event = 'Named'" },
]

[destinations.crm]
kind = "function"
settings.file = "functions/crm.js"
"""
FUNCTION = """
async function onTrack(event) {
  const body = JSON.stringify({ name: event.event });
  const response = await fetch("https://crm.example.com/", { method: "POST", body });
  if (response.status === 400) throw new ValidationError(await response.text());
}
"""
ORDER = '{ type = "track", event = "Order", properties = { total = 12.5 } }'
Folder = Path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "functions").mkdir()
    (tmp_path / "router.toml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "functions" / "crm.js").write_text(FUNCTION, encoding="utf-8")
    return tmp_path


def of_tidy(folder: Folder, example: str) -> None:
    with (folder / "router.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n[[transformations.tidy.examples]]\n{example}\n")


def of_crm(folder: Folder, example: str, name: str = "crm.test.toml") -> None:
    (folder / "functions" / name).write_text(example, encoding="utf-8")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["test", *arguments])


@pytest.mark.parametrize(
    "example",
    [
        f"event = {ORDER}\nexpect = {{ properties = {{ revenue = 12.5 }} }}",
        f'event = {ORDER}\nexpect = {{ event = "Order", userId = "u1" }}',
        'event = { type = "track", event = "Heartbeat" }\ndropped = true',
        'event = { type = "track", event = "Heartbeat" }\ndropped = "dropped_by_step"',
    ],
)
def test_an_example_that_comes_true_is_ok(folder: Folder, example: str) -> None:
    of_tidy(folder, f'name = "so it is"\n{example}')

    done = run()

    assert (done.exit_code, done.output) == (
        0,
        "ok    transformations.tidy: so it is\n1 example tried, none failed\n",
    )


@pytest.mark.parametrize(
    ("example", "differences"),
    [
        (
            f"event = {ORDER}\nexpect = {{ properties = {{ revenue = 12 }} }}",
            ['-   "revenue": 12', '+   "revenue": 12.5'],
        ),
        (f"event = {ORDER}\nexpect = {{ channel = \"web\" }}", ['- "web"', "+ null"]),
        (f"event = {ORDER}\ndropped = true", ["- dropped: true", "+ the event goes on"]),
        (f"event = {ORDER}\nerror = \"oops\"", ["- error: oops", "+ the event goes on"]),
        (
            'event = { type = "track", event = "Heartbeat" }\ndropped = "noise"',
            ["- dropped: noise", "+ dropped: dropped_by_step"],
        ),
    ],
)  # fmt: skip
def test_what_is_not_as_expected_is_shown_and_ends_with_1(
    folder: Folder, example: str, differences: list[str]
) -> None:
    of_tidy(folder, example)

    done = run()

    assert done.exit_code == 1
    assert "FAIL  transformations.tidy: example 1" in done.output
    assert [line.strip() for line in done.output.splitlines() if line.strip()[:1] in "-+"] == differences


@pytest.mark.parametrize(
    ("file", "example"),
    [
        (
            "crm.test.toml",
            f"""[[examples]]
            event = {ORDER}
            requests = [{{ method = "POST", url = "https://crm.example.com/", json = {{ name = "Order" }} }}]
            outcome = "delivered"
            [[examples]]
            event = {ORDER}
            answers = [{{ status = 400, body = "no" }}]
            outcome = "rejected MESSAGE_REJECTED"
            """,
        ),
        (
            "crm.test.json",
            """[{"event": {"type": "track", "event": "Order"}, "outcome": "delivered"},
                {"event": {"type": "page"}, "outcome": "filtered UNSUPPORTED_EVENT_TYPE", "requests": []}]""",
        ),
    ],
)
def test_examples_beside_a_function_say_what_is_sent_and_what_follows(
    folder: Folder, file: str, example: str
) -> None:
    of_crm(folder, example, file)

    done = run("crm")

    assert done.exit_code == 0, done.output
    assert done.output.endswith("2 examples tried, none failed\n")


@pytest.mark.parametrize(
    ("requests", "shown"),
    [
        ("[]", ["- 0 requests", "+ 1 requests"]),
        ('[{ method = "PUT" }]', ["method:", '- "PUT"', '+ "POST"']),
        ('[{ json = { name = "X" } }]', ['-   "name": "X"', '+   "name": "Order"']),
    ],
)
def test_another_request_is_shown(folder: Folder, requests: str, shown: list[str]) -> None:
    of_crm(folder, f"[[examples]]\nevent = {ORDER}\nrequests = {requests}")

    done = run()

    assert done.exit_code == 1
    lines = [line.strip().removeprefix("request 1: ") for line in done.output.splitlines()]
    assert set(shown) <= set(lines)


@pytest.mark.parametrize(
    ("example", "message"),
    [
        ("[[examples]]\nname = 5", "example 1: "),
        (f"[[examples]]\nevent = {ORDER}", "example 1 expects nothing; write expect, dropped, error"),
        ('[[examples]]\nevent = { type = "buy" }\noutcome = "delivered"', "example 1: Invalid value 'buy'"),
        ("[[examples", "cannot be read: "),
        ("examples = 5", "holds no list of examples"),
        (f"[[examples]]\nevent = {ORDER}\noutcomes = 5", "unknown field `outcomes`"),
    ],
)  # fmt: skip
def test_an_example_that_cannot_be_read_is_named(folder: Folder, example: str, message: str) -> None:
    of_crm(folder, example)

    done = run()

    assert done.exit_code == 1
    assert "destinations.crm: " in done.output
    assert message in done.output


def test_without_examples_it_says_how_to_write_them(folder: Folder) -> None:
    done = run()

    assert (done.exit_code, "write [[transformations.NAME.examples]]" in done.output) == (0, True)


def test_a_name_that_nothing_has_is_refused(folder: Folder) -> None:
    done = run("nobody")

    assert (done.exit_code, done.output) == (
        1,
        "there is no transformation, destination or source with a function 'nobody' in router.toml\n",
    )


def test_broken_javascript_is_refused_with_line_and_column(folder: Folder) -> None:
    (folder / "functions" / "crm.js").write_text("function onTrack() {\n  return ;;)\n}", encoding="utf-8")

    done: Any = CliRunner().invoke(main, ["check"])

    assert done.exit_code == 78
    assert (
        "destinations.crm.settings: functions/crm.js:2:12: SyntaxError: Unexpected token ')'" in done.output
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "file functions/crm.js cannot be read (No such file or directory)"),
        (b"\xff\xfe", "file functions/crm.js is not UTF-8 text"),
        (b" " * (1 << 20) + b"x", "file functions/crm.js is larger than 1 MiB"),
    ],
)
def test_a_file_that_is_no_function_is_refused(folder: Folder, content: bytes | None, message: str) -> None:
    file = folder / "functions" / "crm.js"
    file.unlink()
    if content is not None:
        file.write_bytes(content)

    done: Any = CliRunner().invoke(main, ["check"])

    assert done.exit_code == 78
    assert f"destinations.crm.settings.file: {message}" in done.output


def test_an_example_may_say_whose_its_event_is(folder: Folder) -> None:
    with (folder / "router.toml").open("a", encoding="utf-8") as file:
        file.write("""
[identity]

[transformations.golden]
kind = "steps"
destinations = ["crm"]
settings.steps = [{ drop = true, if = "profile.traits.plan != 'gold'" }]

[[transformations.golden.examples]]
event = { type = "track", event = "Order" }
profile = { traits = { plan = "gold" } }
expect = { event = "Order" }

[[transformations.golden.examples]]
event = { type = "track", event = "Order" }
dropped = true
""")

    done = run("golden")

    assert done.output.endswith("2 examples tried, none failed\n")


INSERT = """
[transformations.ask]
kind = "function"
destinations = ["crm"]
settings.code = '''
async function onTrack(event) {
  const found = await fetch("https://ask.example.com/" + event.userId);
  if (found.status === 404) return null;
  if (!found.ok) throw new ValidationError("no");
  event.properties.plan = await found.text();
  return event;
}
'''
"""


@pytest.mark.parametrize(
    ("example", "differs"),
    [
        ('answers = [{ body = "pro" }]\nexpect = { properties = { plan = "pro" } }', False),
        ('answers = [{ body = "free" }]\nexpect = { properties = { plan = "pro" } }', True),
        ('requests = [{ method = "GET", url = "https://ask.example.com/u1" }]', False),
        ('requests = [{ method = "GET", url = "https://ask.example.com/u2" }]', True),
        ('answers = [{ status = 404 }]\ndropped = "filtered_at_insert_function"', False),
        ('answers = [{ status = 400 }]\noutcome = "rejected MESSAGE_REJECTED"', False),
        ('answers = [{ status = 400 }]\nerror = "MESSAGE_REJECTED"', False),
        ("answers = [{ status = 400 }]\nexpect = {}", True),
        ("answers = [{ status = 404 }]\nexpect = {}", True),
    ],
)
def test_an_insert_function_is_tried_with_answers(folder: Folder, example: str, differs: bool) -> None:
    with (folder / "router.toml").open("a", encoding="utf-8") as file:
        file.write(INSERT + '\n[[transformations.ask.examples]]\nevent = { type = "track", event = "A" }\n')
        file.write(f"{example}\n")

    result = run("ask")

    assert result.exit_code == int(differs), result.output
