"""All promises, and the question which of them a destination or source class breaks."""

import asyncio
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from router.errors import ConfigError
from router.plugins.destination import Destination
from router.plugins.source import WayIn
from router.testing.conformance.declarations import (
    explains_its_events,
    explains_its_settings,
    loads_its_sample,
)
from router.testing.conformance.promise import CannotTell, NotKept, Promise
from router.testing.conformance.purity import (
    alters_no_event,
    makes_requests,
    says_the_same_twice,
    sends_the_message_id,
    survives_hostile_events,
)
from router.testing.conformance.secrecy import hides_its_secrets, shows_no_secret
from router.testing.conformance.source_specimen import SourceSpecimen
from router.testing.conformance.specimen import Specimen
from router.testing.conformance.trouble import (
    isolates_a_bad_event,
    pauses_without_credentials,
    survives_an_outage,
    waits_as_long_as_asked,
)

LIMIT_SECONDS = 30.0
"""How long one check may take."""

PROMISES: tuple[Promise, ...] = (
    Promise("loads_its_sample", "come with a sample that works", loads_its_sample),
    Promise("explains_its_settings", "explain each of its settings", explains_its_settings),
    Promise("explains_its_events", "say what becomes of each type of event", explains_its_events),
    Promise("hides_its_secrets", "keep its secrets to itself", hides_its_secrets),
    Promise("alters_no_event", "leave events as they are", alters_no_event),
    Promise("survives_hostile_events", "take whatever strangers send", survives_hostile_events),
    Promise("makes_requests", "send anything", makes_requests, of_http=True),
    Promise("says_the_same_twice", "say the same of the same events", says_the_same_twice, of_http=True),
    Promise("sends_the_message_id", "send the message id", sends_the_message_id, of_http=True),
    Promise("survives_an_outage", "deliver what met an outage", survives_an_outage, of_http=True),
    Promise("waits_as_long_as_asked", "wait as long as it is asked to", waits_as_long_as_asked, of_http=True),
    Promise(
        "pauses_without_credentials",
        "pause while its credentials fail",
        pauses_without_credentials,
        of_http=True,
    ),
    Promise("isolates_a_bad_event", "give up the bad event alone", isolates_a_bad_event, of_http=True),
)


SOURCE_PROMISES: tuple[Promise, ...] = (
    Promise("loads_its_sample", "come with a sample that works", loads_its_sample),
    Promise("explains_its_settings", "explain each of its settings", explains_its_settings),
    Promise("hides_its_secrets", "keep its secrets to itself", shows_no_secret),
)
Plugin = type[Destination[Any, Any]] | type[WayIn[Any]]
"""What makes promises."""


def promises_of(cls: Plugin) -> list[Promise]:
    """The promises that a destination or source of this class makes."""
    if issubclass(cls, WayIn):
        return list(SOURCE_PROMISES)
    return [one for one in PROMISES if cls.speaks_http() or not one.of_http]


def verify(cls: Plugin, promise: Promise) -> None:
    """Check one promise, in a temporary folder; raises NotKept, or CannotTell."""
    specimen = SourceSpecimen(cls) if issubclass(cls, WayIn) else Specimen(cls)
    with _elsewhere():
        if promise.check is not loads_its_sample:
            try:
                specimen.config  # noqa: B018 - what follows needs it
            except ConfigError:
                raise CannotTell("its sample cannot be loaded") from None
        asyncio.run(asyncio.wait_for(promise.check(specimen), LIMIT_SECONDS))


def broken_promises(cls: Plugin) -> dict[str, str]:
    """What is wrong with a destination or source, by the name of the promise; empty when it keeps them all."""
    broken = {}
    for promise in promises_of(cls):
        try:
            verify(cls, promise)
        except NotKept as error:
            broken[promise.name] = worded(cls, promise, error)
        except CannotTell:
            continue
    return broken


def worded(cls: Plugin, promise: Promise, error: NotKept) -> str:
    """The failure in the author's words: plugin, promise, what was seen, remedy."""
    what = "source" if issubclass(cls, WayIn) else "destination"
    return f"{what} {cls.kind!r} does not {promise.says}: {error.seen}; {error.remedy}"


@contextmanager
def _elsewhere() -> Iterator[None]:
    """Relative paths lead into a temporary folder meanwhile: a sample may name a file."""
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)
