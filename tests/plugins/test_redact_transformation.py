"""Redaction takes out what is named, leaves the rest byte for byte, and never changes the event it is given."""

import hashlib
import hmac
from typing import Any

import pytest

from plugins.transformations.redact import Redact, RedactSettings
from router.events.calls import AnyEvent
from router.plugins.settings import Secret
from router.testing import identify, one_of_each, track


def redact(*paths: str, **settings: Any) -> Redact:
    return Redact(RedactSettings(fields=paths, **settings), name="privacy")


def test_a_field_is_removed_and_the_rest_stays() -> None:
    event = identify(traits={"email": "ada@example.com", "plan": "pro"})

    assert redact("traits.email").transform(event).traits == {"plan": "pro"}  # type: ignore[union-attr]


def test_the_event_that_is_given_stays_as_it_is() -> None:
    event = track("A", properties={"card": {"number": "4111", "kind": "visa"}})
    before = event.json

    redact("properties.card.number").transform(event)

    assert (event.json, event.properties) == (before, {"card": {"number": "4111", "kind": "visa"}})


def test_several_fields_of_one_object_are_removed() -> None:
    event = track("A", properties={"a": {"b": 1, "c": 2}, "d": 3, "e": 4})

    made = redact("properties.a.b", "properties.d").transform(event)

    assert made.properties == {"a": {"c": 2}, "e": 4}  # type: ignore[union-attr]


def test_a_digest_may_stand_in_its_place() -> None:
    event = track("A", properties={"email": "ada@example.com", "ids": [1, 2]})

    plain = redact("properties.email", "properties.ids", action="hash").transform(event)
    keyed = redact("properties.email", action="hash", key=Secret("k")).transform(event)

    assert plain.properties["email"] == hashlib.sha256(b"ada@example.com").hexdigest()  # type: ignore[union-attr]
    assert plain.properties["ids"] == hashlib.sha256(b"[1,2]").hexdigest()  # type: ignore[union-attr]
    assert keyed.properties["email"] == hmac.new(b"k", b"ada@example.com", "sha256").hexdigest()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "event", one_of_each(context={"page": "no object", "list": [{"a": 1}]}), ids=lambda e: e.type
)
def test_an_event_without_the_field_is_the_same_object(event: AnyEvent) -> None:
    assert redact("properties.x", "traits.y", "context.page.url", "context.list.a").transform(event) is event


@pytest.mark.parametrize("path", ["", "email", "properties", "properties.", "user_id.x", "properties..a"])
def test_a_path_that_never_matches_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="is no path; write"):
        redact(path)
