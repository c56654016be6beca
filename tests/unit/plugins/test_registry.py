"""The registry finds plugins, keeps what they offer, and refuses what breaks the rules with a remedy."""

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from router.errors import PluginError
from router.events.calls import AnyEvent
from router.plugins.destination import Destination
from router.plugins.hookspecs import Hooks, hookimpl
from router.plugins.registry import PluginsConfig, Registry
from router.plugins.request import Request
from router.plugins.settings import Settings


class NoSettings(Settings, frozen=True):
    pass


class Good(Destination[NoSettings, AnyEvent]):
    kind = "good"

    def requests(self, events: Sequence[AnyEvent]) -> list[Request]:
        return []


def plugin_with(*classes: Any) -> object:
    class Plugin:
        @hookimpl
        def register_destinations(self) -> list[Any]:
            return list(classes)

    return Plugin()


def empty() -> Registry:
    return Registry.load(entry_points=False, built_in=False)


SLACK = """
from router import AnyEvent, Destination, Settings, hookimpl

class SlackSettings(Settings, frozen=True):
    url: str = ""

class Slack(Destination[SlackSettings, AnyEvent]):
    kind = "slack"
    def requests(self, events):
        return []

@hookimpl
def register_destinations():
    return [Slack]
"""


def load_directory(folder: Path, *disabled: str) -> Registry:
    config = PluginsConfig(directories=(str(folder),), disabled=disabled)
    return Registry.load(config, entry_points=False, built_in=False)


def test_a_plugin_offers_a_destination_by_its_kind() -> None:
    assert empty().with_plugin(plugin_with(Good)).destinations == {"good": Good}


def test_a_registry_is_a_value() -> None:
    before = empty()

    before.with_plugin(plugin_with(Good))

    assert before.destinations == {}


def test_the_stores_are_built_in() -> None:
    assert set(Registry.load(entry_points=False).storages) == {"sqlite", "memory"}


def test_installed_plugins_are_found_by_their_entry_points() -> None:
    registry = Registry.load()

    assert {"webhook", "console", "file"} <= set(registry.destinations)
    assert all(one.origin for one in registry.offers)


def test_an_installed_plugin_can_be_disabled() -> None:
    assert "webhook" not in Registry.load(PluginsConfig(disabled=("webhook",))).destinations


def test_a_file_in_a_directory_is_a_plugin(tmp_path: Path) -> None:
    (tmp_path / "slack.py").write_text(SLACK)

    registry = load_directory(tmp_path)

    [offer] = registry.offers
    assert (offer.what, offer.kind, offer.plugin, offer.origin) == (
        "destination",
        "slack",
        "slack",
        f"{tmp_path}/slack.py",
    )


def test_a_package_in_a_directory_is_a_plugin_and_imports_its_own_parts(tmp_path: Path) -> None:
    (tmp_path / "slack").mkdir()
    (tmp_path / "slack" / "__init__.py").write_text("from .delivery import register_destinations\n")
    (tmp_path / "slack" / "delivery.py").write_text(SLACK)

    assert set(load_directory(tmp_path).destinations) == {"slack"}


def test_names_with_an_underscore_are_no_plugins(tmp_path: Path) -> None:
    (tmp_path / "_shared.py").write_text("raise RuntimeError('not to be run')\n")

    assert load_directory(tmp_path).plugins == ()


def test_a_plugin_in_a_directory_can_be_disabled(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("raise RuntimeError('not to be run')\n")

    assert load_directory(tmp_path, "broken").plugins == ()


def test_a_broken_import_names_the_file_the_line_and_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "slack.py").write_text("\nimport nowhere_to_be_found\n")

    with pytest.raises(PluginError) as caught:
        load_directory(tmp_path)

    assert str(caught.value) == (
        f"plugin 'slack' ({tmp_path}/slack.py) cannot be loaded: ModuleNotFoundError: No module named "
        f"'nowhere_to_be_found' at {tmp_path}/slack.py:2; mend the file, or add \"slack\" to [plugins] disabled"
    )


def test_a_file_that_is_no_python_is_named(tmp_path: Path) -> None:
    (tmp_path / "slack.py").write_text("def (")

    with pytest.raises(PluginError, match=r"slack\.py.*SyntaxError"):
        load_directory(tmp_path)


def test_a_directory_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match=r"plugin directory .*nowhere.* does not exist"):
        load_directory(tmp_path / "nowhere")


def test_an_unknown_hook_is_answered_with_the_nearest_one() -> None:
    class Plugin:
        @hookimpl
        def register_destination(self) -> list[Any]:
            return []

    with pytest.raises(
        PluginError, match="unknown hook 'register_destination'; did you mean 'register_destinations'"
    ):
        empty().with_plugin(Plugin())


def test_a_hook_with_other_arguments_is_refused() -> None:
    class Plugin:
        @hookimpl
        def resolve_secret(self, name: str) -> str:
            return name

    with pytest.raises(PluginError, match="has a hook with other arguments than specified"):
        empty().with_plugin(Plugin())


def test_a_plugin_without_a_hook_is_refused() -> None:
    with pytest.raises(PluginError, match=r"'forgetful' .* has no hook; mark one with @hookimpl"):
        empty().with_plugin(ModuleType("forgetful"))


def test_a_plugin_that_is_loaded_twice_is_refused() -> None:
    plugin = plugin_with(Good)

    with pytest.raises(PluginError, match="is loaded twice"):
        empty().with_plugin(plugin).with_plugin(plugin)


def test_two_plugins_with_one_kind_are_both_named() -> None:
    registry = empty().with_plugin(plugin_with(Good), name="first")

    with pytest.raises(
        PluginError, match=r"two plugins offer the destination kind 'good': .*'first'.*'second'"
    ):
        registry.with_plugin(plugin_with(Good), name="second")


def test_a_hook_that_raises_is_named() -> None:
    class Plugin:
        @hookimpl
        def register_destinations(self) -> list[Any]:
            raise KeyError("oops")

    with pytest.raises(
        PluginError, match=r"register_destinations cannot be loaded: KeyError: 'oops' at .*mend the hook"
    ):
        empty().with_plugin(Plugin())


class BothWays(Good):
    kind = "both"

    async def deliver(self, events: Sequence[AnyEvent]) -> None:
        return None


class NoWay(Destination[NoSettings, AnyEvent]):
    kind = "none"


class NoParameters(Destination):  # type: ignore[type-arg]
    kind = "bare"

    def requests(self, events: Any) -> list[Request]:
        return []


class WrongSettings(Destination[dict, AnyEvent]):  # type: ignore[type-arg, type-var]
    kind = "wrong"

    def requests(self, events: Any) -> list[Request]:
        return []


class UpperKind(Good):
    kind = "Good"


class Odd(Good):
    category = "attic"  # type: ignore[assignment]


class Foreign:
    kind = "foreign"


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (BothWays, "BothWays has both `requests` and `deliver`; write exactly one"),
        (Odd, "Odd has the category 'attic'; known are cloud, warehouse, raw"),
        (NoWay, "NoWay has neither `requests` nor `deliver`"),
        (NoParameters, "NoParameters must name its settings and events"),
        (WrongSettings, "must be a subclass of Settings"),
        (UpperKind, "UpperKind needs a `kind` in lower case"),
        (Foreign, "Foreign is not a subclass of Destination"),
        ("text", "needs a `kind`"),
    ],
)
def test_a_class_that_breaks_the_contract_is_refused(found: object, said: str) -> None:
    with pytest.raises(PluginError, match=said):
        empty().with_plugin(plugin_with(found))


@pytest.mark.parametrize("hook", ["register_destinations", "register_storage"])
def test_a_hook_that_returns_something_else_is_refused(hook: str) -> None:
    class Plugin:
        pass

    setattr(Plugin, hook, hookimpl(lambda self: 7))

    with pytest.raises(PluginError, match="must return"):
        empty().with_plugin(Plugin())


def test_every_hook_is_explained() -> None:
    hooks = [hook for name, hook in vars(Hooks).items() if not name.startswith("_")]

    assert len(hooks) == 8
    assert all(hook.__doc__ for hook in hooks)
