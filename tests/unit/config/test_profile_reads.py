"""Rules that look at profiles: which traits are kept, and what is said where a rule looks in vain."""

from typing import Any

import pytest

from router.assembly.profiles import spaces_of
from router.config.load import load
from router.config.model import Config
from router.config.profile_reads import kept_traits, profile_reads
from router.errors import ConfigError
from router.events.calls import AnyEvent
from router.plugins.hookspecs import hookimpl
from router.plugins.registry import Registry
from router.plugins.settings import Settings
from router.plugins.transformation import Transformation

GOLD = 'profile.traits.plan = "gold"'
WEBHOOK = {"kind": "webhook", "settings": {"url": "https://example.com/"}}
STEP = {"kind": "steps", "settings": {"steps": [{"drop": True, "if": GOLD}]}}


def config(**sections: Any) -> Config:
    sources = {"website": {"write_key": "one"}, "app": {"write_key": "two", "workspace": "mobile"}}
    return load({"sources": sources, "identity": {}, **sections})


def problems(**sections: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        config(**sections)
    return list(caught.value.problems)


def test_every_kind_of_rule_has_its_traits_kept() -> None:
    found = config(
        identity={"snapshot": ["chosen"]},
        destinations={
            "crm": {
                **WEBHOOK,
                "filter": "profile.traits.a = 1",
                "filters": [
                    {"if": "profile.traits.b = 1", "actions": [{"type": "DROP"}]},
                    {"if": "profile.traits.off = 1", "actions": [{"type": "DROP"}], "enabled": False},
                ],
            }
        },
        transformations={
            "steps": {
                "kind": "steps",
                "destinations": ["crm"],
                "settings": {
                    "if": "profile.traits.c = 1",
                    "steps": [
                        {"drop": True, "if": "profile.traits.d = 1"},
                        {"set": {"properties.plan": {"@path": "$.profile.traits.e"}}},
                        {"set": {"properties.id": {"@template": "{{profile.id}}"}}},
                    ],
                },
            },
            "segment": {
                "kind": "segment",
                "destinations": ["crm"],
                "settings": {
                    "json": """[{"if": "profile.traits.f = 1", "fqlDefinedProperties":
                        [{"fql": "lowercase(profile.traits.g)", "propertyName": "g"}]},
                        {"if": "profile.traits.off = 2", "drop": true, "enabled": false}]"""
                },
            },
        },
    )

    assert kept_traits(found) == {*"abcdefg", "chosen"}
    assert {rules.snapshot for _, rules in spaces_of(found).values()} == {kept_traits(found)}
    assert ("destinations", "crm", "filters", "0") in [read.place for read in profile_reads(found)]


def test_without_such_rules_nothing_is_kept() -> None:
    assert (
        kept_traits(config(destinations={"crm": {**WEBHOOK, "filter": "profile.id != null"}})) == frozenset()
    )


def test_a_rule_before_identity_is_refused_with_its_place() -> None:
    [said] = problems(transformations={"early": {**STEP, "sources": ["website"]}})

    assert said == (
        "transformations.early.settings: looks at profile.traits.plan, but runs before anybody knows whose an "
        'event is; look at what the event says, or do it for destinations: destinations = ["…"]'
    )


def test_a_space_filter_cannot_look_at_profiles() -> None:
    [said] = problems(identity={"filters": ["profile.id = null"]})

    assert said.startswith("identity.filters: looks at profile.id, but runs before anybody knows")


def test_a_rule_is_refused_where_there_are_no_profiles() -> None:
    crm = {**WEBHOOK, "filter": GOLD}
    with pytest.raises(ConfigError) as caught:
        load({"destinations": {"crm": crm}})

    assert list(caught.value.problems) == [
        "destinations.crm.filter: looks at profile.traits.plan, and there are no profiles; add the section [identity]"
    ]


def test_a_rule_may_look_at_the_whole_profile_and_so_names_no_trait() -> None:
    crm = {**WEBHOOK, "filter": "profile != null and profile.traits != null"}

    assert kept_traits(config(destinations={"crm": crm})) == frozenset()


def test_a_path_that_leads_nowhere_is_refused() -> None:
    [said] = problems(destinations={"crm": {**WEBHOOK, "filter": r"profile.my\ plan = 1"}})

    assert said == (
        r"destinations.crm.filter: looks at profile.my\ plan, which is nothing; "
        "write profile.id or profile.traits.NAME"
    )


def test_too_many_traits_are_refused() -> None:
    [said] = problems(identity={"snapshot": [f"t{number}" for number in range(101)]})

    assert said == "identity.snapshot: would keep 101 traits with each event; let rules name 100 at most"


def test_a_trait_has_a_name() -> None:
    [said] = problems(identity={"snapshot": [""]})

    assert said == "identity.snapshot: names a trait without a name; take the empty text out"


class Broken(Transformation[Settings, AnyEvent]):
    """Cannot say what it reads."""

    kind = "broken"

    @classmethod
    def profile_paths(cls, settings: Settings) -> list[tuple[str, ...]]:
        raise ValueError("no idea")

    def transform(self, event: AnyEvent) -> AnyEvent:
        return event


class Plugin:
    @hookimpl
    def register_transformations(self) -> list[type[Transformation[Any, Any]]]:
        return [Broken]


def test_a_plugin_that_cannot_say_what_it_reads_is_named() -> None:
    sections = {"identity": {}, "transformations": {"x": {"kind": "broken", "sources": ["embedded"]}}}
    with pytest.raises(ConfigError) as caught:
        load(sections, registry=Registry.load().with_plugin(Plugin()))

    [said] = caught.value.problems
    assert "transformation 'x', profile_paths cannot be loaded: ValueError: no idea" in said
