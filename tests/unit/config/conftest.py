"""A registry with one destination kind `hook`, and a way to write a configuration and read its problems."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest

from router.config.load import load
from router.errors import ConfigError
from router.events.calls import AnyEvent
from router.plugins.destination import Destination
from router.plugins.hookspecs import hookimpl
from router.plugins.policies import Batching, Rate
from router.plugins.registry import Registry
from router.plugins.request import Request
from router.plugins.settings import Duration, Secret, Settings, Size


class HookSettings(Settings, frozen=True):
    url: str
    secret: Secret | None = None
    mode: Literal["fast", "slow"] = "fast"
    wait: Duration = Duration(1)
    room: Size = Size(1024)
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    tags: tuple[int, ...] = ()


class Hook(Destination[HookSettings, AnyEvent]):
    kind = "hook"
    batching = Batching(max_events=50, max_wait=Duration(2))
    rate = Rate(requests=10)

    def requests(self, events: Sequence[AnyEvent]) -> list[Request]:
        return []


class HookPlugin:
    @hookimpl
    def register_destinations(self) -> list[type[Destination[Any, Any]]]:
        return [Hook]


@pytest.fixture
def registry() -> Registry:
    return Registry.load(entry_points=False).with_plugin(HookPlugin())


Problems = Callable[..., list[str]]


@pytest.fixture
def problems(registry: Registry, tmp_path: Path) -> Problems:
    """The problems of a text of TOML, without the folder of the file."""

    def find(text: str, environ: Mapping[str, str] | None = None) -> list[str]:
        file = tmp_path / "router.toml"
        file.write_text(text)
        with pytest.raises(ConfigError) as caught:
            load(file, registry=registry, environ=environ or {})
        return [line.replace(f"{tmp_path}/", "") for line in caught.value.problems]

    return find
