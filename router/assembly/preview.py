"""What a new configuration would do to real events: the requests of both, destination by destination."""

from collections.abc import Sequence

from msgspec import Struct

from router.config.model import Config, DestinationConfig
from router.config.terms import terms_of
from router.delivery.difference import Change, compare
from router.delivery.preview import Shown, shown
from router.delivery.sending.secrecy import Secrecy
from router.events.envelope import Envelope
from router.plugins.loading import Loading


class DestinationPreview(Struct, frozen=True):
    """What changes at one destination."""

    name: str
    kind: str
    what: str
    """`added`, `removed` or `kept`."""
    same: int
    """How many requests stay the same."""
    changes: tuple[Change, ...]
    is_section_changed: bool = False
    """Whether something of its section differs, which may show elsewhere than in requests."""


def preview(old: Config, new: Config, envelopes: Sequence[Envelope]) -> list[DestinationPreview]:
    """Compare what the destinations of both configurations would send for `envelopes`; raises PluginError.

    One that was renamed is compared with what it was. One that is retired gets nothing new.
    """
    heirs = {one.renamed_from: one for one in new.destinations.values()}
    found = []
    for name, section in old.destinations.items():
        heir = new.destinations.get(name) or heirs.get(name)
        found.append(_compared(old, section, new, heir, envelopes))
    known = {*old.destinations}
    for name, section in new.destinations.items():
        if name not in known and section.renamed_from not in known:
            found.append(_compared(old, None, new, section, envelopes))
    return found


def _compared(
    old: Config,
    before: DestinationConfig | None,
    new: Config,
    after: DestinationConfig | None,
    envelopes: Sequence[Envelope],
) -> DestinationPreview:
    was, now = _sent(before, envelopes), _sent(after, envelopes)
    sides = [(config, one) for config, one in ((old, before), (new, after)) if one is not None]
    settings = [side.settings for _, side in sides]
    settings += [one.settings for _, side in sides for one in side.transformations]
    secrecies = [Secrecy(one) for one in settings]

    def hide(text: str) -> str:
        for config, one in sides:
            text = config.without_secrets(one, text)
        for secrecy in secrecies:
            text = secrecy.hide(text)
        return text

    changes = tuple(compare(was, now, hide=hide))
    what = "added" if before is None else "removed" if after is None else "kept"
    same = len(now) - sum(one.what != "removed" for one in changes)
    shown = sides[-1][1]
    return DestinationPreview(shown.name, shown.kind, what, same, changes, before != after)


def _sent(section: DestinationConfig | None, envelopes: Sequence[Envelope]) -> list[Shown]:
    if section is None or section.retire is not None:
        return []
    with Loading(f"destination {section.name!r}", "mend its plugin or its settings"):
        destination = section.destination()
        destination.feed_by(section.policies)
        terms = terms_of(section)
    return shown(destination, terms, envelopes)
