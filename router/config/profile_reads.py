"""Finds out what rules look at in profiles: those traits are kept with each event (engine 18)."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from router.config.identity import IdentityConfig, SpaceRulesConfig
from router.config.model import Config, DestinationConfig, TransformationConfig
from router.config.problems import Path, Problems
from router.errors import PluginError
from router.plugins.destination import Destination
from router.plugins.loading import Loading
from router.plugins.settings import Settings
from router.plugins.transformation import Transformation
from router.rules.profile_paths import ProfilePath, paths_of_condition, paths_of_filter

MOST_TRAITS = 100
"""So many traits are kept with an event at most."""
_ID, _TRAITS = "id", "traits"


class Read(Struct, frozen=True):
    """One place of profiles that a rule looks at."""

    place: Path
    """Where the rule stands in the configuration."""
    path: ProfilePath
    """The keys behind `profile`."""
    is_too_early: bool = False
    """Whether the rule judges events before anybody knows whose they are."""

    @property
    def trait(self) -> str | None:
        """The name of the trait."""
        return self.path[1] if self.path[:1] == (_TRAITS,) and len(self.path) > 1 else None

    @property
    def text(self) -> str:
        """The path as FQL has it."""
        return ".".join(("profile", *(key.replace(".", "\\.").replace(" ", "\\ ") for key in self.path)))


def profile_reads(config: Config) -> list[Read]:
    """What all rules look at, and `[identity] snapshot`; raises PluginError."""
    found = _reads(config.destinations.values(), config.transformations.values(), config.identity)
    return [*found, *_chosen(config.identity)]


def kept_traits(config: Config) -> frozenset[str]:
    """Names of the traits that are kept with each event."""
    return frozenset(read.trait for read in profile_reads(config) if read.trait is not None)


def check_profile_reads(
    destinations: Mapping[str, DestinationConfig],
    transformations: Mapping[str, TransformationConfig],
    identity: IdentityConfig | None,
    *,
    is_section_there: bool,
    problems: Problems,
) -> None:
    """Say which rules look at profiles in vain; `is_section_there` also where `identity` could not be read."""
    try:
        reads = [*_reads(destinations.values(), transformations.values(), identity)]
    except PluginError as error:
        problems.add((), str(error), "mend `profile_paths` of the plugin")
        return
    for read in dict.fromkeys(reads):
        if read.is_too_early:
            what = f"looks at {read.text}, but runs before anybody knows whose an event is"
            remedy = 'look at what the event says, or do it for destinations: destinations = ["…"]'
            problems.add(read.place, what, remedy)
        elif not is_section_there:
            what = f"looks at {read.text}, and there are no profiles"
            problems.add(read.place, what, "add the section [identity]")
        elif read.path and read.path != (_ID,) and read.path[:1] != (_TRAITS,):
            what = f"looks at {read.text}, which is nothing"
            problems.add(read.place, what, "write profile.id or profile.traits.NAME")
    names = {read.trait for read in (*reads, *_chosen(identity))} - {None}
    if len(names) > MOST_TRAITS:
        what = f"would keep {len(names)} traits with each event"
        problems.add(("identity", "snapshot"), what, f"let rules name {MOST_TRAITS} at most")


def _reads(
    destinations: Iterable[DestinationConfig],
    transformations: Iterable[TransformationConfig],
    identity: IdentityConfig | None,
) -> Iterator[Read]:
    for destination in destinations:
        place: Path = ("destinations", destination.name)
        if destination.filter is not None:
            for path in paths_of_condition(destination.filter.text):
                yield Read((*place, "filter"), path)
        for number, one in enumerate(destination.filters):
            if one.enabled:
                for path in paths_of_filter(one):
                    yield Read((*place, "filters", str(number)), path)
        for path in _of_plugin(destination.cls, destination.settings, f"destination {destination.name!r}"):
            yield Read((*place, "kind"), path)
    for transformation in transformations:
        said = f"transformation {transformation.name!r}"
        for path in _of_plugin(transformation.cls, transformation.settings, said):
            is_too_early = bool(transformation.sources)
            yield Read(("transformations", transformation.name, "settings"), path, is_too_early)
    if identity is None:
        return
    yield from _of_filters(identity.filters, ("identity", "filters"))
    yield from _of_computed(identity, ("identity",))
    for name, space in identity.spaces.items():
        if space.filters != identity.filters:
            yield from _of_filters(space.filters, ("identity", "spaces", name, "filters"))
        if space.traits != identity.traits:
            yield from _of_computed(space, ("identity", "spaces", name))


def _of_filters(filters: Iterable[str], place: Path) -> Iterator[Read]:
    for text in filters:
        for path in paths_of_condition(text):
            yield Read(place, path, is_too_early=True)


def _of_computed(section: SpaceRulesConfig, place: Path) -> Iterator[Read]:
    for name, trait in section.traits.items():
        if trait.where is not None:
            yield from _of_filters([trait.where], (*place, "traits", name, "where"))


def _chosen(identity: IdentityConfig | None) -> Iterator[Read]:
    for name in () if identity is None else identity.snapshot:
        yield Read(("identity", "snapshot"), (_TRAITS, name))


def _of_plugin(
    cls: type[Destination[Any, Any]] | type[Transformation[Any, Any]], settings: Settings, said: str
) -> list[ProfilePath]:
    with Loading(f"{said}, profile_paths", "mend its plugin"):
        return [tuple(str(key) for key in path) for path in cls.profile_paths(settings)]
