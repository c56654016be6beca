"""Who may get what, as router.toml says it: names, consent, integration filters and destination filters."""

from collections.abc import Callable

import pytest

from router.config.load import load
from router.errors import ConfigError
from router.plugins.registry import Registry
from router.rules.filters.definition import DropProperties
from tests.unit.rules.routing import event

Problems = Callable[..., list[str]]
BASE = """
[sources.web]
write_key = "a"
[destinations.crm]
kind = "hook"
settings.url = "u"
"""
FILTER = """
[[destinations.crm.filters]]
if = 'type = "track"'
actions = [{ type = "DROP" }]
"""


def test_protocols_19_an_eleventh_filter_is_refused(problems: Problems) -> None:
    [problem] = problems(BASE + FILTER * 11)
    [other] = problems(BASE + FILTER * 10 + "[server]\nport = -1\n")

    assert "destinations.crm.filters.10: are 11; a destination may have 10" in problem
    assert "server.port" in other


def test_a_filter_that_is_not_fql_is_refused_with_its_column(problems: Problems) -> None:
    [problem] = problems(BASE + FILTER.replace('"track"', '"track" and'))

    assert problem.startswith("router.toml:9:25: destinations.crm.filters.0.if: is not FQL: expected a value")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"DROP"', '"SAMPLE", percent = 2', 'filters.0."actions[0].percent": expected float'),
        ('"DROP"', '"DORP"', 'is no action; did you mean "DROP"?'),
        ("if =", "sources = ['wep']\nif =", 'there is no source "wep"; did you mean "web"?'),
        ("if =", "when =", "filters.0.when: is not a known key"),
    ],
)
def test_what_is_wrong_with_a_filter_is_said(problems: Problems, old: str, new: str, said: str) -> None:
    [problem] = problems(BASE + FILTER.replace(old, new))

    assert said in problem


def test_filters_are_no_single_table(problems: Problems) -> None:
    [problem] = problems(BASE + FILTER.replace("[[", "[").replace("]]", "]", 1))

    assert "write [[destinations.crm.filters]]" in problem


def test_a_store_of_raw_events_has_no_filters() -> None:
    data = {
        "destinations": {
            "out": {"kind": "file", "settings": {"path": "x"}, "filters": [{"actions": [{"type": "DROP"}]}]}
        }
    }

    with pytest.raises(ConfigError, match="filters: are for services, and file keeps events"):
        load(data)


def test_a_filter_is_read_as_it_is_written(registry: Registry) -> None:
    actions = [{"type": "DROP_PROPERTIES", "fields": {"properties": ["a"]}}]
    section = {"kind": "hook", "settings": {"url": "u"}, "filters": [{"title": "T", "actions": actions}]}

    [found] = load({"destinations": {"crm": section}}, registry=registry).destinations["crm"].filters

    assert (found.title, found.condition, found.actions) == (
        "T",
        "all",
        (DropProperties({"properties": ("a",)}),),
    )


@pytest.mark.parametrize("name", ["All", "Segment.io", "Warehouses", ""])
def test_an_integration_needs_a_name_of_its_own(problems: Problems, name: str) -> None:
    [problem] = problems(BASE + f'integration = "{name}"\n')

    assert "destinations.crm.integration:" in problem


def test_events_call_a_destination_by_its_integration_or_by_its_kind(registry: Registry) -> None:
    hook = {"kind": "hook", "settings": {"url": "u"}}
    config = load({"destinations": {"a": hook, "b": {**hook, "integration": "Mixpanel"}}}, registry=registry)

    assert [one.addressee.names for one in config.destinations.values()] == [("Hook",), ("Mixpanel",)]
    sent = event(integrations={"Hook": {"of": "a"}, "Mixpanel": {"of": "b"}})
    assert [one.destination().options(sent)["of"] for one in config.destinations.values()] == ["a", "b"]


@pytest.mark.parametrize("word", ["crm", "hook", "Hook", "Mixpanel"])
def test_a_category_names_a_section_a_kind_or_a_service(registry: Registry, word: str) -> None:
    hook = {"kind": "hook", "settings": {"url": "u"}}
    destinations = {"crm": hook, "b": {**hook, "integration": "Mixpanel"}}
    config = load(
        {"destinations": destinations, "consent": {"categories": {"ads": {"destinations": [word]}}}},
        registry=registry,
    )

    found = [name for name, one in config.destinations.items() if one.categories == {"ads"}]
    assert found == {"crm": ["crm"], "hook": ["crm", "b"], "Hook": ["crm"], "Mixpanel": ["b"]}[word]


def test_a_category_that_is_switched_off_needs_nothing(registry: Registry) -> None:
    section = {"ads": {"destinations": ["hook"], "enabled": False}}
    config = load(
        {
            "destinations": {"crm": {"kind": "hook", "settings": {"url": "u"}}},
            "consent": {"categories": section},
        },
        registry=registry,
    )

    assert config.destinations["crm"].categories == frozenset()
    assert not config.consent.categories["ads"].enabled


@pytest.mark.parametrize("id", ["1st", "x" * 35, ""])
def test_a_category_has_an_id_that_segment_takes(problems: Problems, id: str) -> None:
    [problem] = problems(BASE + f'[consent.categories."{id}"]\ndestinations = ["crm"]\n')

    assert "is not the id of a category; use what the consent tool calls it" in problem


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '[consent.categories.ads]\ndestinations = ["crn"]',
            'there is no destination "crn"; did you mean "crm"?',
        ),
        ('[consent.categories.ads]\ndestination = ["crm"]', 'did you mean "destinations"?'),
        ('[consent.categories.ads]\ndestinations = "crm"', "consent.categories.ads.destinations:"),
        ("[consent.categories]\nads = 7", "consent.categories.ads: must be a section"),
        ("[consent.category.ads]\nenabled = true", 'did you mean "categories"?'),
        ("[consent]\ncategories = 7", "consent.categories:"),
    ],
)
def test_what_is_wrong_with_consent_is_said(problems: Problems, text: str, said: str) -> None:
    [problem] = problems(f"{BASE}{text}\n")

    assert said in problem


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ('event = "E", destinations = ["crn"]', 'there is no destination "crn"; did you mean "crm"?'),
        ('event = "E"', "missing required field"),
        ('evnt = "E", destinations = ["crm"]', "unknown field"),
    ],
)
def test_what_is_wrong_with_an_integration_filter_is_said(problems: Problems, fields: str, said: str) -> None:
    text = BASE.replace('write_key = "a"', f'write_key = "a"\nintegration_filters = [{{ {fields} }}]')

    [problem] = problems(text)

    assert "sources.web.integration_filters" in problem
    assert said in problem


def test_an_integration_filter_does_not_concern_a_store_of_raw_events() -> None:
    filters = [{"event": "E", "destinations": ["out"]}]
    data = {
        "sources": {"web": {"write_key": "a", "integration_filters": filters}},
        "destinations": {"out": {"kind": "file", "settings": {"path": "x"}}},
    }

    with pytest.raises(ConfigError, match='"out" keeps every event, and this filter does not concern it'):
        load(data)


def test_an_integration_filter_switches_off_its_source_s_events_only(registry: Registry) -> None:
    sources = {
        "web": {"write_key": "a", "integration_filters": [{"event": "E", "destinations": ["Hook"]}]},
        "app": {"write_key": "b"},
    }
    config = load(
        {"sources": sources, "destinations": {"crm": {"kind": "hook", "settings": {"url": "u"}}}},
        registry=registry,
    )

    assert config.destinations["crm"].switched_off == {("web", "track", "E")}
