"""What every enricher promises, proved by asking it: it takes whatever strangers send, and answers the same twice."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from router.errors import ConfigError, PluginError
from router.events.calls import AnyEvent
from router.plugins.enricher import Enricher
from router.testing.conformance.declarations import unexplained_settings
from router.testing.conformance.promise import NotKept
from router.testing.conformance.purity import hostile_events
from router.testing.enriching import enriched, enricher
from router.testing.events import one_of_each, track


class EnricherPromise(Struct, frozen=True):
    """One thing that every enricher does."""

    name: str
    """The name of its test."""
    says: str
    """What an enricher does that keeps it, to be read behind "does not"."""
    check: Callable[[type[Enricher[Any]]], None]
    """Raises NotKept."""


def broken_enricher_promises(cls: type[Enricher[Any]]) -> dict[str, str]:
    """What is wrong with an enricher, by the name of the promise; empty when it keeps them all."""
    broken = {}
    for promise in ENRICHER_PROMISES:
        try:
            promise.check(cls)
        except NotKept as error:
            broken[promise.name] = f"enrichment {cls.kind!r} does not {promise.says}: {error}"
    return broken


def contexts(cls: type[Enricher[Any]]) -> Iterator[dict[str, Any]]:
    """Contexts in which each member that it reads is of every type, and such as browsers send."""
    browser = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    page = {
        "url": "https://acme.test/?utm_source=a&gclid=b",
        "referrer": "https://www.google.com/",
        "search": "",
    }
    usual: Mapping[str, Any] = {"ip": "8.8.8.8", "userAgent": browser, "page": page, "locale": "en-US"}
    yield {name: usual.get(name, "text") for name in cls.reads}
    strange: tuple[Any, ...] = (
        None,
        True,
        -1,
        1e300,
        "",
        "\x00☃ \u202e",
        "x" * 8192,
        [],
        [[{}]],
        {},
        {"": None},
        page,
    )
    for value in strange:
        yield dict.fromkeys(cls.reads, value)


def _survived(one: Enricher[Any]) -> Iterator[dict[str, Any]]:
    """Those contexts at which it does not raise; that others make it raise is a matter of its own."""
    for context in contexts(type(one)):
        try:
            enriched(one, track("A", context=context))
        except PluginError:
            continue
        yield context


def _specimen(cls: type[Enricher[Any]]) -> Enricher[Any]:
    try:
        return enricher(cls)
    except ConfigError as error:
        raise NotKept(
            f"its `sample` cannot be used: {error}", "write settings that work into `sample`"
        ) from None


def _loads_its_sample(cls: type[Enricher[Any]]) -> None:
    _specimen(cls)


def _explains_its_settings(cls: type[Enricher[Any]]) -> None:
    if silent := unexplained_settings(cls.settings_type()):
        raise NotKept(
            f"nothing is written under {', '.join(silent)}",
            "write a string right under each field: what it means, and what happens at the default",
        )


def _survives_hostile_events(cls: type[Enricher[Any]]) -> None:
    one = _specimen(cls)
    for event in [*hostile_events(), *(track("A", context=context) for context in contexts(cls))]:
        try:
            enriched(one, event)
        except PluginError as error:
            raise NotKept(
                f"{error} for the context {bytes(event.context_json)[:200].decode(errors='replace')}",
                "look at the type of what is given before you use it; add only names in `adds`",
            ) from error.__context__


def _says_the_same_twice(cls: type[Enricher[Any]]) -> None:
    one, other = _specimen(cls), _specimen(cls)
    for context in _survived(one):
        event = track("A", context=context)
        if len({enriched(each, event).json for each in (one, one, other)}) > 1:
            raise NotKept(
                f"the same context, {str(context)[:200]}, had two answers",
                "leave clocks, random numbers, sets and memory out of `add`",
            )


def _adds_and_changes_nothing(cls: type[Enricher[Any]]) -> None:
    one = _specimen(cls)
    present = dict.fromkeys(cls.adds, "as sent")
    for context in _survived(one):
        for event in one_of_each(context=context):
            _compare(event, enriched(one, event), frozenset(cls.adds))
        full = track("A", context={**context, **present})
        if enriched(one, full) is not full:
            raise NotKept("a context that has everything was changed", "leave that to the engine")
        given = {name: value for name, value in context.items() if name in cls.reads}
        before = repr(given)
        one.add(given)
        if repr(given) != before:
            raise NotKept("`add` changes what it is given", "copy before you change")


def _compare(event: AnyEvent, made: AnyEvent, adds: frozenset[str]) -> None:
    rest = {name: value for name, value in made.context.items() if name not in adds}
    if rest != event.context or {**made.fields, "context": event.context} != event.fields:
        raise NotKept(
            f"more than {', '.join(sorted(adds))} of the event is another", "add only what is in `adds`"
        )


ENRICHER_PROMISES = (
    EnricherPromise("loads_its_sample", "come with settings that work", _loads_its_sample),
    EnricherPromise("explains_its_settings", "explain each of its settings", _explains_its_settings),
    EnricherPromise("survives_hostile_events", "take whatever strangers send", _survives_hostile_events),
    EnricherPromise("says_the_same_twice", "say the same of the same context", _says_the_same_twice),
    EnricherPromise("adds_and_changes_nothing", "leave what is there as it is", _adds_and_changes_nothing),
)
