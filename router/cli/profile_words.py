"""Profiles in words and as JSON."""

from collections.abc import Sequence

import msgspec

from router.admin.profiles import Shown
from router.cli import output
from router.cli.moment import shown
from router.cli.profile_search import Search
from router.events.times import format_instant
from router.storage.profile import Profile

_HEADS = ("id", "created", "changed", "identifiers", "merges", "known as")
_KNOWN_AS = 3
_LONGEST = 60


def show_page(profiles: Sequence[Shown], beyond: str) -> None:
    """Write a table of profiles, and how to go on."""
    if not profiles:
        output.line("There are no profiles here; --space names another space.")
        return
    output.table(_HEADS, [_cells(one.profile) for one in profiles])
    if beyond:
        output.line(f"\nThere are more: `--beyond {beyond}` goes on.")


def searched(done: Search) -> str:
    """How far a search went."""
    far = "1 profile was looked at" if done.looked_at == 1 else f"{done.looked_at:,} profiles were looked at"
    if not done.beyond:
        return f"\n{far}, which is all; {len(done.profiles) or 'none'} found."
    return f"\n{far}, {len(done.profiles) or 'none'} found; `--beyond {done.beyond}` goes on."


def show_profile(one: Shown) -> None:
    """Write everything that is known of a profile."""
    profile = one.profile
    output.line(f"Profile {profile.id}")
    facts = {
        "space": f"{profile.space}, {profile.collection}",
        "created": f"{shown(profile.created_at)}{_by(profile.first_source, profile.first_message_id)}",
        "changed": f"{shown(profile.updated_at)}{_by(profile.last_source, profile.last_message_id)}",
    }
    for name, value in facts.items():
        output.line(f"  {name:<10} {output.printable(value)}")
    output.line()
    rows = [
        (id.type, _cut(id.value), shown(id.created_at), id.source, id.message_id)
        for id in profile.identifiers
    ]
    output.table(("identifier", "value", "since", "source", "message id"), rows)
    if one.traits:
        output.line()
        traits = [
            (
                name,
                _cut(bytes(trait.value).decode("utf-8", "replace")),
                trait.kind or "custom",
                shown(trait.updated_at),
                trait.source,
            )
            for name, trait in one.traits.items()
        ]
        output.table(("trait", "value", "class", "set", "source"), traits)
    if one.links:
        output.line()
        links = [(linked.id, linked.collection, _known_as(linked)) for linked in one.links]
        output.table(("linked to", "of", "known as"), links)
    if profile.absorbed:
        output.line()
        output.table(("merged into it",), [(id,) for id in profile.absorbed])


def as_json(one: Shown) -> str:
    """One profile as a line of JSON."""
    profile = one.profile
    facts = {
        "id": profile.id,
        "space": profile.space,
        "collection": profile.collection,
        "created_at": format_instant(profile.created_at),
        "updated_at": format_instant(profile.updated_at),
        "external_ids": [
            {
                "type": id.type,
                "id": id.value,
                "created_at": format_instant(id.created_at),
                "source_id": id.source,
                "first_message_id": id.message_id,
            }
            for id in profile.identifiers
        ],
        "traits": {name: trait.value for name, trait in one.traits.items()},
        "computed_traits": [name for name, trait in one.traits.items() if trait.kind == "computed_trait"],
        "audiences": [name for name, trait in one.traits.items() if trait.kind == "audience"],
        "links": [linked.id for linked in one.links],
        "merged": profile.absorbed,
    }
    return json_line(facts)


def json_line(facts: object) -> str:
    """JSON in one line; what clients wrote may have line ends between its parts."""
    text = msgspec.json.encode(facts)
    return (msgspec.json.format(text, indent=-1) if b"\n" in text or b"\r" in text else text).decode()


def _cells(profile: Profile) -> Sequence[str]:
    count = str(len(profile.identifiers))
    times = shown(profile.created_at), shown(profile.updated_at)
    return profile.id, *times, count, str(profile.merges), _known_as(profile)


def _known_as(profile: Profile) -> str:
    known = [f"{one.type}:{_cut(one.value)}" for one in profile.identifiers[:_KNOWN_AS]]
    more = len(profile.identifiers) - len(known)
    return ", ".join(known) + (f" and {more} more" if more > 0 else "")


def _by(source: str, message_id: str) -> str:
    return f" by {source}, message {message_id}" if message_id else " by hand"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
