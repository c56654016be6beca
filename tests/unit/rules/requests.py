"""Calls and requests of every shape, for properties that hold for all of them."""

import json
from typing import Any

from hypothesis import strategies as st

from router.rules.request import Limits

LIMITS = Limits()
KINDS = ["track", "identify", "page", "screen", "group", "alias"]

texts = st.text(max_size=8) | st.sampled_from(["", "u1", "é", "\u0000", "😀", "a" * 100, "a" * 101])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(texts, values, max_size=3)
_ids = texts | st.none() | st.integers() | st.just("u1")
_times = st.none() | texts | st.integers() | st.just("2030-05-01T10:00:00.000Z") | values


def _fields(**usual: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=usual)


calls: st.SearchStrategy[Any] = _fields(
    type=st.sampled_from(KINDS) | texts | values,
    userId=_ids,
    anonymousId=_ids,
    groupId=_ids,
    previousId=_ids,
    messageId=_ids,
    event=texts | st.just("Segment Consent Preference Updated") | values,
    name=_ids,
    category=_ids,
    properties=objects | st.none() | values,
    traits=objects | st.none() | values,
    context=objects | st.none() | values,
    integrations=objects | st.none() | values,
    timestamp=_times,
    sentAt=_times,
    originalTimestamp=_times,
    channel=texts | values,
    version=values,
    writeKey=values,
    _metadata=objects | values,
    extra=values,
)
likely_calls: st.SearchStrategy[Any] = st.builds(
    lambda call, kind: {
        "userId": "u1",
        "event": "E",
        "groupId": "g",
        "previousId": "p",
        **call,
        "type": kind,
    },
    calls,
    st.sampled_from(KINDS),
)
members = calls | likely_calls | values
batches: st.SearchStrategy[Any] = _fields(
    batch=st.lists(members, max_size=5) | values,
    writeKey=values,
    sentAt=_times,
    context=objects | values,
    integrations=objects | values,
    messageId=values,
    sequence=values,
)


def encoded(value: Any, *, is_compact: bool = True, is_ascii: bool = False) -> bytes:
    """JSON as one of many clients writes it."""
    separators = (",", ":") if is_compact else (" ,\n", "\t: ")
    return json.dumps(value, separators=separators, ensure_ascii=is_ascii).encode(errors="surrogatepass")
