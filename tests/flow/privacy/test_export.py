"""What privacy and the inventory know, as CSV: whole, quoted, and harmless in a spreadsheet."""

import asyncio
import csv
import io
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from router.cli.main import main
from router.cli.spreadsheet import harmless
from router.testing.running import running

SECTIONS: dict[str, Any] = {
    "sources": {"website": {"write_key": "wk_demo"}, "app": {"write_key": "wk_app"}},
    "privacy": {"red": ["ssn"], "yellow": ["traits.email"], "green": ["never_sent"]},
}
TEXT = """
[storage]
path = "{folder}/router.db"
[sources.website]
write_key = "env:NOT_SET"
[sources.app]
write_key = "env:NOT_SET"
[privacy]
red = ["ssn"]
yellow = ["traits.email"]
green = ["never_sent"]
secret = "env:NOT_SET"
[destinations.crm]
kind = "webhook"
sources = ["website"]
[destinations.files]
kind = "file"
"""


@pytest.fixture
async def file(tmp_path: Path) -> str:
    """A configuration whose store has seen some events; no router runs."""
    async with running(SECTIONS, folder=tmp_path) as rig:
        calls: list[tuple[str, str, dict[str, Any]]] = [
            ("website", "Signed Up", {"ssn": "123-45-6789", 'a, "b"\nc': 1, "=cmd|'/c calc'!A1": 2}),
            ("website", "Paid", {"cards": [{"ssn": "1", "phone": "+1"}], "@email": "x"}),
            ("app", "Opened", {"ssn": "1"}),
        ]
        for source, event, properties in calls:
            await rig.router.track(event, user_id="u1", properties=properties, source=source)
        await rig.router.identify(user_id="u1", traits={"email": "ada@example.com"}, source="website")
        await rig.drained()
    path = tmp_path / "router.toml"
    path.write_text(TEXT.format(folder=tmp_path))
    return str(path)


async def run(*words: str, file: str) -> Result:
    """Run the command on a thread, for it has a loop of its own."""
    return await asyncio.to_thread(CliRunner().invoke, main, [*words, "--config", file])


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


async def test_the_inventory_has_each_field_with_its_sources_and_destinations(file: str) -> None:
    result = await run("privacy", "list", "--csv", file=file)

    assert result.exit_code == 0, result.output
    found = [tuple(one.values()) for one in rows(result.output)]
    assert found == [
        ("ssn", "red", "app", "Opened", "1", "files"),
        ("ssn", "red", "website", "Paid, Signed Up", "2", "crm, files"),
        ("traits.email", "yellow", "website", "identify", "1", "crm, files"),
        ("never_sent", "green", "", "", "0", ""),
    ]


async def test_the_inbox_is_whole_and_no_spreadsheet_computes_it(file: str) -> None:
    result = await run("privacy", "inbox", "--csv", file=file)

    found = {one["field"]: one for one in rows(result.output)}
    assert found["properties.cards.phone"]["recommended"] == "yellow"
    assert found["properties.cards.phone"]["matcher"] == "phone"
    assert found["properties.cards.phone"]["sources"] == "website"
    assert found["properties.cards.phone"]["first seen"].endswith("Z")
    assert found["properties.cards.phone"]["looks like"] == "'+9"


async def test_the_schema_has_a_row_for_each_property_with_what_is_personal_of_it(file: str) -> None:
    result = await run("schema", "--csv", file=file)

    found = {(one["event"], one["property"]): one for one in rows(result.output)}
    assert found["Paid", "cards.$.ssn"]["personal data"] == "red"
    assert found["Paid", "cards.$.phone"]["personal data"] == "probably yellow"
    assert found["", "email"]["personal data"] == "yellow"
    assert found["Signed Up", 'a, "b"\ufffdc']["types"] == "integer"
    assert ("Signed Up", "'=cmd|'/c calc'!A1") in found
    assert ("Paid", "'@email") in found
    assert found["Opened", "ssn"]["events seen"] == "1"


async def test_an_event_s_properties_are_shown_with_their_colour(file: str) -> None:
    result = await run("schema", "website", "Paid", file=file)

    assert "probably yellow" in result.output
    assert "personal data" in result.output


async def test_it_is_written_to_a_file_which_is_never_overwritten(tmp_path: Path, file: str) -> None:
    out = tmp_path / "inventory.csv"

    first = await run("privacy", "list", "--csv", "--out", str(out), file=file)
    second = await run("privacy", "list", "--csv", "--out", str(out), file=file)
    nowhere = await run("privacy", "list", "--csv", "--out", str(tmp_path / "no" / "x.csv"), file=file)

    assert (first.exit_code, first.output) == (0, f"{out} has 4 rows\n")
    assert rows(out.read_text())[0]["field"] == "ssn"
    assert second.exit_code == 1
    assert "exists; name another file" in second.output
    assert nowhere.exit_code == 1
    assert "cannot be written" in nowhere.output


@pytest.mark.parametrize("command", [("privacy", "list"), ("privacy", "inbox"), ("schema",)])
@pytest.mark.parametrize(
    ("more", "said"), [(("--csv", "--json"), "choose one"), (("--out", "x"), "add --csv")]
)
async def test_options_that_do_not_go_together_are_refused(
    command: tuple[str, ...], more: tuple[str, ...], said: str, file: str
) -> None:
    result = await run(*command, *more, file=file)

    assert (result.exit_code, said in result.output) == (2, True)


async def test_without_a_store_the_colours_are_written_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "router.toml"
    path.write_text(TEXT.format(folder=tmp_path / "nowhere"))

    result = await run("privacy", "list", "--csv", file=str(path))

    assert [one["field"] for one in rows(result.output)] == ["ssn", "traits.email", "never_sent"]


@pytest.mark.parametrize(("text", "cell"), [
    ("=1+1", "'=1+1"), ("+1", "'+1"), ("-1", "'-1"), ("@SUM(A1)", "'@SUM(A1)"), ("  =1", "'  =1"),
    ("\t=1", "'\ufffd=1"), ("\r\n=1", "'\ufffd\ufffd=1"), ("a=1", "a=1"), ("", ""), ("\x1b[2J", "\ufffd[2J"),
])  # fmt: skip
def test_cells_that_spreadsheets_compute_are_made_text(text: str, cell: str) -> None:
    assert harmless(text) == cell
