"""The sections `[identity.traits.*]` and `[identity.audiences.*]`: each slip has its place and its remedy."""

from pathlib import Path
from typing import Any

import pytest

from router.assembly.profiles import computed_of, spaces_of
from router.config.load import load
from router.errors import ConfigError
from router.rules.identity.computed.rules import ComputedRules

COUNT = {"kind": "count", "event": "Order Completed"}


def config(traits: Any = None, audiences: Any = None, sources: Any = None, destinations: Any = None) -> Any:
    identity = {
        **({} if traits is None else {"traits": traits}),
        **({} if audiences is None else {"audiences": audiences}),
    }
    known = {"website": {"write_key": "one"}, "app": {"write_key": "two", "workspace": "mobile"}}
    return load(
        {"sources": {**known, **(sources or {})}, "identity": identity, "destinations": destinations or {}}
    )


def rules(traits: Any = None, audiences: Any = None) -> ComputedRules:
    return computed_of(spaces_of(config(traits, audiences))).get("default", ComputedRules())


def problems(*args: Any, **more: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        config(*args, **more)
    return list(caught.value.problems)


def test_without_the_sections_nothing_is_computed() -> None:
    assert not rules()
    assert not computed_of({})


def test_a_section_becomes_a_rule() -> None:
    found = rules(
        {
            "spent": {
                "kind": "sum",
                "event": "Order Completed",
                "where": "properties.total > 1",
                "property": "cart.total",
                "window": "30d",
                "collection": "accounts",
                "send": [],
            }
        }
    )

    [one] = found.traits
    assert (one.name, one.kind, one.event, one.collection) == ("spent", "sum", "Order Completed", "accounts")
    assert (one.window, one.send) == (30 * 86_400_000, ())
    assert one.where is not None


def test_a_fingerprint_changes_with_what_the_value_depends_on() -> None:
    def fingerprint(**changes: Any) -> str:
        return rules({"n": {**COUNT, **changes}}).traits[0].fingerprint

    same = {fingerprint(), fingerprint(send=[])}
    others = {fingerprint(window="1d"), fingerprint(where="all"), fingerprint(collection="accounts")}
    assert len(same) == 1
    assert len(others | same) == 4


def test_rules_that_say_the_same_are_equal() -> None:
    audiences = {"vip": {"condition": "traits.n > 1"}}

    assert rules({"n": COUNT}, audiences) == rules({"n": COUNT}, audiences)
    assert hash(rules({"n": COUNT}, audiences)) == hash(rules({"n": COUNT}, audiences))
    assert rules({"n": COUNT}) != rules({"n": {**COUNT, "send": []}})
    assert rules({"n": COUNT}) != "n"
    assert rules({"n": COUNT}, audiences) != rules({"n": COUNT}, {"vip": {"condition": "traits.n > 2"}})


@pytest.mark.parametrize(
    ("section", "place", "words"),
    [
        ({"kind": "median", "event": "E"}, "kind", 'cannot be "median"'),
        ({"kind": "cuont", "event": "E"}, "kind", 'did you mean "count"?'),
        ({"kind": "count"}, "event", "is missing, and so is where"),
        ({"kind": "sum", "event": "E"}, "property", 'is missing: "sum" needs one'),
        ({"kind": "count", "event": "E", "property": "x"}, "property", 'means nothing to "count"'),
        ({"kind": "sum", "event": "E", "property": "a b"}, "property", "column 3"),
        (
            {"kind": "sum", "event": "E", "property": "lowercase(x)"},
            "property",
            "is not the name of a property",
        ),
        ({"kind": "count", "where": "event ="}, "where", "column 8"),
        ({**COUNT, "window": "10s"}, "window", "must be from a minute to ten years"),
        ({**COUNT, "window": "400000d"}, "window", "must be from a minute to ten years"),
        ({**COUNT, "window": "soon"}, "window", "write a duration"),
        ({**COUNT, "collection": "people"}, "collection", 'cannot be "people"'),
        ({**COUNT, "send": ["page"]}, "send", 'cannot be "page"'),
        ({**COUNT, "send": ["track", "track"]}, "send", "names a form twice"),
        ({**COUNT, "evnt": "E"}, "evnt", 'did you mean "event"?'),
    ],
)
def test_a_slip_in_a_trait_is_told(section: Any, place: str, words: str) -> None:
    [found] = problems({"n": section})

    assert found.startswith(f"identity.traits.n.{place}")
    assert words in found


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (
            "traits.order_cuont >= 3",
            'column 1: there is no computed trait "order_cuont"; did you mean "order_count"?',
        ),
        ("traits.order_count >= 3 and traits.acounts = 1", 'column 29: there is no computed trait "acounts"'),
        ("traits.account = 1", "column 1: account is computed of accounts, not of users"),
        ("properties.total > 3", "column 1: properties.total is no trait of a profile"),
        ('traits.x = "a" and lowercase(type) = "b"', "column 30: type is no trait"),
        ("traits = 1", "column 1: traits is no trait of a profile; write traits."),
        ("traits.x in [1, userId]", "column 17: userId is no trait"),
        ("!(userId = 1)", "column 3: userId is no trait"),
        ("traits.x >", "is not FQL: column 11"),
        ("traits.me = true", "depends on itself"),
    ],
)
def test_a_slip_in_a_condition_is_told(condition: str, words: str) -> None:
    traits = {"order_count": COUNT, "counts": COUNT, "account": {**COUNT, "collection": "accounts"}}
    if "acounts" in condition:
        traits = {"order_count": COUNT, "accounts": COUNT}

    [found] = problems(traits, {"me": {"condition": condition}})

    assert found.startswith("identity.audiences.me.condition: ")
    assert words in found


def test_a_trait_of_ones_own_that_looks_like_a_slip_can_be_declared() -> None:
    audience = {"condition": "traits.orders_count = 1 and traits.tier = 2", "custom_traits": ["orders_count"]}

    assert rules({"order_count": COUNT}, {"vip": audience}).audiences


def test_audiences_that_go_round_in_a_circle_are_refused() -> None:
    found = problems(
        None,
        {
            "a": {"condition": "traits.b = true"},
            "b": {"condition": "traits.c = true"},
            "c": {"condition": "traits.a = true"},
        },
    )

    assert len(found) == 3
    assert all("depends on itself through others" in one for one in found)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Orders", "cannot be the name of a computed trait"),
        ("my orders", "cannot be the name of a computed trait"),
        ("x" * 101, "cannot be the name of a computed trait"),
        ("email", "is a trait that sources send"),
        ("first_name", "is a trait that sources send"),
    ],
)
def test_a_computed_trait_needs_a_name_of_its_own(name: str, words: str) -> None:
    [found] = problems({name: COUNT})

    assert words in found


def test_an_audience_cannot_have_the_name_of_a_computed_trait() -> None:
    [found] = problems({"vip": COUNT}, {"vip": {"condition": "traits.tier = 1"}})

    assert found.startswith("identity.audiences.vip: is a computed trait too")


def test_there_are_a_hundred_rules_at_most() -> None:
    [found] = problems({f"n{number}": COUNT for number in range(101)})

    assert "has 101 computed traits and audiences" in found


def test_a_section_must_be_a_table() -> None:
    assert "must be a section" in problems(7)[0]
    assert "must be a section" in problems({"n": 7})[0]


def test_each_workspace_has_a_source_that_destinations_can_name() -> None:
    crm = {"kind": "console", "sources": ["engage_default", "engage_mobile"]}

    assert config({"n": COUNT}, destinations={"crm": crm}).destinations["crm"].sources
    [found] = problems(None, None, destinations={"crm": {**crm, "sources": ["engage_default"]}})
    assert 'there is no source "engage_default"' in found
    [found] = problems({"n": COUNT}, destinations={"crm": {**crm, "sources": ["engage_defualt"]}})
    assert 'did you mean "engage_default"?' in found


def test_no_other_source_has_that_name() -> None:
    [found] = problems({"n": COUNT}, sources={"engage_default": {"write_key": "k"}})

    assert found.startswith("sources.engage_default: is the name of the source")


def test_a_workspace_may_compute_more_than_the_others() -> None:
    sources = {"website": {"write_key": "one"}, "app": {"write_key": "two", "workspace": "mobile"}}
    spaces = {"mobile": {"traits": {"screens": {"kind": "count", "where": 'type = "screen"'}}}}
    identity = {"traits": {"n": COUNT}, "spaces": spaces}

    found = computed_of(spaces_of(load({"sources": sources, "identity": identity})))

    names = {space: sorted(one.by_name["users"]) for space, one in found.items()}
    assert names == {"default": ["n"], "mobile": ["n", "screens"]}


def test_a_slip_in_the_rules_of_one_workspace_has_its_place() -> None:
    sources = {"website": {"write_key": "one", "workspace": "mobile"}}
    spaces = {"mobile": {"audiences": {"vip": {"condition": "plan = 1"}}}}

    with pytest.raises(ConfigError) as caught:
        load({"sources": sources, "identity": {"spaces": spaces}})

    [found] = caught.value.problems
    assert found.startswith("identity.spaces.mobile.audiences.vip.condition: column 1: plan is no trait")


def test_a_rule_cannot_look_at_the_profile_that_it_is_computed_for() -> None:
    [found] = problems({"n": {**COUNT, "where": "profile.traits.plan = 1"}})

    assert found.startswith("identity.traits.n.where: looks at profile.traits.plan, but runs before")


def test_in_a_file_a_slip_has_its_line_and_column(tmp_path: Path) -> None:
    file = tmp_path / "router.toml"
    file.write_text(
        '[sources.website]\nwrite_key = "one"\n\n[identity.traits.orders]\nkind = "count"\nevent = "Order"\n\n'
        '[identity.audiences.vip]\ncondition = "traits.ordres > 1"\n'
    )

    with pytest.raises(ConfigError) as caught:
        load(file)

    [found] = caught.value.problems
    assert found.startswith(f"{file}:9:14: identity.audiences.vip.condition: ")
    assert 'there is no computed trait "ordres"; did you mean "orders"?' in found
