"""The author's guide: its plugins load, its tests pass, its destination keeps every promise, as they stand there."""

import tomllib
from pathlib import Path
from textwrap import indent
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

import router.testing.conformance.collecting
import router.testing.recorded  # noqa: F401 - loaded once, not anew by each run
from router.cli.main import main
from router.config.load import load
from router.errors import ConfigError
from router.events.calls import Track
from router.plugins.declarative.steps import Steps, StepsSettings
from router.rules.changes.step import Step
from router.testing import track
from tests.examples.blocks import block
from tests.house.tree import ROOT

pytest_plugins = ["pytester"]

PAGE = "plugins/README.md"


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A folder with the plugins of the guide."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "chat.py").write_text(block(PAGE, "python", 'kind = "chat"'), encoding="utf-8")
    (folder / "poll.py").write_text(block(PAGE, "python", 'kind = "poll"'), encoding="utf-8")
    (folder / "shop.py").write_text(block(PAGE, "python", 'kind = "shop_orders"'), encoding="utf-8")
    (folder / "tidy.py").write_text(block(PAGE, "python", 'kind = "tidy"'), encoding="utf-8")
    return folder


def test_the_plugins_of_the_guide_can_be_configured(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = mine.parent / "router.toml"
    wanted = ("destinations.chat", "transformations.tidy", "sources.orders", "sources.shop")
    sections = [block(PAGE, "toml", one) for one in wanted]
    source = "[sources.website]\nwrite_key = 'wk'\n"
    config.write_text(f"[plugins]\ndirectories = ['{mine}']\n{source}" + "".join(sections), encoding="utf-8")
    monkeypatch.setenv("CHAT_URL", "http://127.0.0.1:1/room")
    monkeypatch.setenv("SHOP_HOOK_KEY", "hook-key")
    monkeypatch.setenv("SHOP_TOKEN", "t-1234")

    assert load(config).destinations["chat"].kind == "chat"
    assert load(config).transformations["tidy"].sources == ("website",)
    assert load(config).sources["orders"].kind == "poll"
    assert load(config).sources["shop"].kind == "shop_orders"

    monkeypatch.delenv("CHAT_URL")
    with pytest.raises(ConfigError, match="CHAT_URL"):
        load(config)


def test_the_destination_without_code_can_be_configured(tmp_path: Path) -> None:
    (tmp_path / "shop.toml").write_text(block(PAGE, "toml", "[[mappings]]"), encoding="utf-8")
    shop = {"kind": "shop", "settings": {"token": "k"}}

    config = load({"plugins": {"directories": [str(tmp_path)]}, "destinations": {"shop": shop}})

    assert config.destinations["shop"].policies.batching.max_events == 100


def test_the_tests_of_the_guide_and_the_conformance_suite_pass(mine: Path, pytester: pytest.Pytester) -> None:
    pytester.makeini(f"[pytest]\nconformance_directories = {mine}\npythonpath = {mine}\ntestpaths = tests")
    (pytester.path / "tests").mkdir()
    test = pytester.path / "tests" / "test_chat.py"
    test.write_text(block(PAGE, "python", "from chat import Chat"), encoding="utf-8")
    options = ("-p", "no:cacheprovider", "-p", "no:asyncio", "-p", "no:hypothesispytest")

    pytester.runpytest_inprocess(*options, str(test), "--record").assert_outcomes(passed=3)
    pytester.runpytest_inprocess(*options).assert_outcomes(passed=3 + 13 + 3 + 3)


@pytest.mark.parametrize(("begin", "tests"), [("from poll import Poll", 1), ("from shop import Shop", 2)])
def test_the_tests_of_the_guide_s_sources_pass(
    begin: str, tests: int, mine: Path, pytester: pytest.Pytester
) -> None:
    pytester.makeini(f"[pytest]\npythonpath = {mine}")
    test = pytester.path / "test_source.py"
    test.write_text(block(PAGE, "python", begin), encoding="utf-8")

    options = (
        "-p",
        "no:cacheprovider",
        "-p",
        "no:asyncio",
        "-p",
        "no:hypothesispytest",
        "--conformance=none",
    )
    pytester.runpytest_inprocess(*options, str(test)).assert_outcomes(passed=tests)


def test_the_transformation_of_the_guide_does_what_it_says(mine: Path) -> None:
    names: dict[str, object] = {}
    exec((mine / "tidy.py").read_text(encoding="utf-8"), names)
    exec("from router.testing import track", names)
    call = 'Tidy(TidySettings(), name="tidy").transform(track(" A "))'
    assert call in (ROOT / PAGE).read_text(encoding="utf-8")

    assert eval(f"{call}.event", names) == "A"
    assert eval('Tidy(TidySettings(noise=("A",)), name="tidy").transform(track(" A "))', names) is None


def test_what_the_guide_says_of_profiles_is_so(mine: Path) -> None:
    names: dict[str, Any] = {}
    exec((mine / "chat.py").read_text(encoding="utf-8"), names)
    body = indent(block(PAGE, "python", "def profile_paths"), "    ")
    exec(f"from router.testing import track\nclass Telling(Chat):\n{body}", names)
    call = 'track("Met", profile={"traits": {"plan": "gold"}})'
    assert call in (ROOT / PAGE).read_text(encoding="utf-8")

    assert names["Telling"].profile_paths(None) == [("traits", "plan")]
    assert eval(f"{call}.profile.traits", names) == {"plan": "gold"}


def test_the_step_before_a_function_tells_it_the_plan() -> None:
    step = '{ set = { "context.plan" = { "@path" = "$.profile.traits.plan" } } }'
    assert step in (ROOT / PAGE).read_text(encoding="utf-8")
    settings = StepsSettings(
        steps=msgspec.convert(tomllib.loads(f"steps = [{step}]")["steps"], tuple[Step, ...])
    )

    made = Steps(settings, name="tell").transform(track("Met", profile={"traits": {"plan": "gold"}}))

    assert isinstance(made, Track)
    assert made.context == {"plan": "gold"}


def test_the_function_of_the_guide_comes_true_as_its_examples_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CRM_TOKEN", "made-up-token")
    Path("functions").mkdir()
    Path("functions/crm.js").write_text(block(PAGE, "js", "onTrack"), encoding="utf-8")
    Path("functions/crm.test.toml").write_text(block(PAGE, "toml", "[[examples]]"), encoding="utf-8")
    Path("router.toml").write_text(block(PAGE, "toml", "destinations.people"), encoding="utf-8")

    done = CliRunner().invoke(main, ["test"])

    assert done.output == (
        "ok    destinations.people: an order is told\n"
        "ok    destinations.people: what the CRM refuses is given up\n"
        "2 examples tried, none failed\n"
    )


def test_the_insert_function_of_the_guide_comes_true_as_its_example_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CRM_TOKEN", "made-up-token")
    Path("functions").mkdir()
    Path("functions/crm.js").write_text(block(PAGE, "js", "onTrack"), encoding="utf-8")
    destination, function = (
        block(PAGE, "toml", one) for one in ("destinations.people", "transformations.plan")
    )
    Path("router.toml").write_text(f"{destination}\n{function}", encoding="utf-8")

    done = CliRunner().invoke(main, ["test"])

    assert done.output == "ok    transformations.plan: example 1\n1 example tried, none failed\n"


def test_the_source_function_of_the_guide_does_what_its_examples_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STRIPE_HOOK_KEY", "hook-key")
    monkeypatch.setenv("STRIPE_TOKEN", "made-up-token")
    Path("functions").mkdir()
    Path("functions/stripe.js").write_text(block(PAGE, "js", "onRequest"), encoding="utf-8")
    Path("functions/stripe.test.toml").write_text(block(PAGE, "toml", "stripe.test.toml"), encoding="utf-8")
    Path("router.toml").write_text(block(PAGE, "toml", "sources.stripe"), encoding="utf-8")

    done = CliRunner().invoke(main, ["test"])

    assert done.output == (
        "ok    sources.stripe: a charge is tracked\n"
        "ok    sources.stripe: others are left alone\n"
        "2 examples tried, none failed\n"
    )


@pytest.mark.parametrize("form", ["destination", "insert", "source"])
def test_a_function_that_router_new_begins_passes_its_examples(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    begun = CliRunner().invoke(main, ["new", "function", "my-crm", "--as", form])
    tried = CliRunner().invoke(main, ["test", "--config", "functions/my-crm.toml"])
    again = CliRunner().invoke(main, ["new", "function", "my-crm", "--as", form])

    assert begun.exit_code == 0, begun.output
    assert tried.output.endswith("2 examples tried, none failed\n")
    assert (again.exit_code, "exists already" in again.output) == (1, True)


def test_the_enrichment_of_the_guide_works_and_keeps_every_promise(
    tmp_path: Path, pytester: pytest.Pytester
) -> None:
    (tmp_path / "language.py").write_text(block(PAGE, "python", 'kind = "language"'), encoding="utf-8")
    config = tmp_path / "router.toml"
    config.write_text(f"[plugins]\ndirectories = ['{tmp_path}']\n" + block(PAGE, "toml", "enrich = "))
    pytester.makeini(
        f"[pytest]\nconformance_directories = {tmp_path}\npythonpath = {tmp_path}\ntestpaths = ."
    )
    pytester.makepyfile(test_language=block(PAGE, "python", "from language import Language"))
    options = ("-p", "no:cacheprovider", "-p", "no:asyncio", "-p", "no:hypothesispytest")

    assert load(config).sources["website"].enrich == ("language",)
    pytester.runpytest_inprocess(*options).assert_outcomes(passed=1 + 5)


def test_the_guide_is_linked_from_the_readme() -> None:
    assert f"({PAGE})" in (ROOT / "README.md").read_text(encoding="utf-8")
