"""What a declarative destination sends: addresses, headers, bodies, batches; and events that do not fit."""

import pytest

from router.errors import RouterError
from router.plugins.auth import BasicAuth
from router.plugins.outcome import Outcome
from router.plugins.settings import Secret
from tests.unit.plugins.declarative.defining import TOML, body, defined, sent, shop, track

SECOND = """
[[mappings]]
name = "people"
trigger = 'type = "track"'
payload = { user = { "@path" = "$.userId" } }
request = { method = "PUT", url = "https://{{settings.host}}/people", headers = { X-Tag = "{{settings.tag}}" } }
"""


def batched(kind: str, more: str = "") -> str:
    return TOML.replace("[request]\n", f'[request]\nbatch = "{kind}"\n{more}\n')


def test_a_mapping_makes_one_request_of_an_event() -> None:
    (request,), outcomes = sent(shop(defined()), [track(7)])

    assert (request.method, request.url) == ("POST", "https://shop.test/v1/u7")
    assert request.headers == {"Content-Type": "application/json", "Authorization": "Bearer s3cr3t"}
    assert body(request) == {"user": "u7", "n": 7}
    assert outcomes is None


def test_every_mapping_whose_trigger_matches_makes_a_request_of_its_own() -> None:
    requests, _ = sent(shop(defined(TOML, SECOND)), [track(1), track(9)])

    assert [(one.method, one.url) for one in requests] == [
        ("POST", "https://shop.test/v1/u1"),
        ("PUT", "https://shop.test/people"),
        ("PUT", "https://shop.test/people"),
    ]
    assert requests[1].headers["X-Tag"] == "none"
    assert requests[1].headers["Authorization"] == "Bearer s3cr3t"


def test_an_event_that_no_trigger_matches_is_not_wanted() -> None:
    destination = shop(defined())

    assert destination.wants(track(1))
    assert not destination.wants(track(9))


def test_an_event_that_no_trigger_matches_any_more_is_refused_and_does_not_count_as_delivered() -> None:
    requests, outcomes = sent(shop(defined()), [track(9)])

    assert requests == []
    assert [one.verdict for one in outcomes or ()] == ["rejected"]


def test_a_body_is_a_mapping_of_payload_and_settings() -> None:
    toml = TOML.replace(
        "[request]",
        '[request.body]\nkey = { "@path" = "$.settings.token" }\ndata = { "@path" = "$.payload" }\n'
        'gone = { "@path" = "$.settings.nowhere" }\n[request]',
    )

    (request,), _ = sent(shop(defined(toml)), [track(2)])

    assert body(request) == {"key": "s3cr3t", "data": {"user": "u2", "n": 2}}


def test_what_an_event_says_stays_one_piece_of_the_address() -> None:
    (request,), _ = sent(shop(defined()), [track(1, user="../a?b=c#d/é%")])

    assert request.url == "https://shop.test/v1/..%2Fa%3Fb%3Dc%23d%2F%C3%A9%25"


@pytest.mark.parametrize("user", [".", "..", "..."])
def test_an_event_cannot_climb_in_the_address(user: str) -> None:
    requests, outcomes = sent(shop(defined()), [track(1, user=user)])

    assert requests == []
    assert outcomes is not None
    assert outcomes[0].verdict == "rejected"
    assert "needs a value for payload.user" in outcomes[0].reason


def test_an_event_cannot_add_a_header() -> None:
    toml = TOML.replace("[request]\n", "[request]\n").replace(
        'Bearer {{settings.token}}"', 'Bearer {{payload.user}}"'
    )

    requests, outcomes = sent(shop(defined(toml)), [track(1, user="a\r\nX-Admin: 1")])

    assert requests == []
    assert outcomes == [
        Outcome.rejected("mapping 'orders': the header Authorization cannot carry what the event says")
    ]


def test_an_event_that_cannot_be_mapped_is_rejected_and_the_others_are_sent() -> None:
    toml = TOML.replace("payload = {", 'payload = { text = { "@path" = { "@path" = "$.properties.n" } },')
    requests, outcomes = sent(shop(defined(toml)), [track(1)])
    assert requests == []
    assert outcomes is not None
    assert "@path needs text" in outcomes[0].reason

    requests, outcomes = sent(shop(defined()), [track(1, user=".."), track(2)])

    assert [one.url for one in requests] == ["https://shop.test/v1/u2"]
    assert [one.verdict for one in outcomes or ()] == ["rejected", "delivered"]


def test_an_array_takes_the_events_that_go_to_the_same_place() -> None:
    requests, _ = sent(
        shop(defined(batched("array"))), [track(1, user="a"), track(2, user="b"), track(3, user="a")]
    )

    assert [(one.url[-1], [item["n"] for item in body(one)]) for one in requests] == [
        ("a", [1, 3]),
        ("b", [2]),
    ]


def test_lines_are_one_body_a_line() -> None:
    (request,), _ = sent(shop(defined(batched("lines"))), [track(1, user="a"), track(2, user="a")])

    assert request.body == b'{"user":"a","n":1}\n{"user":"a","n":2}\n'
    assert request.headers["Content-Type"] == "application/x-ndjson"


def test_an_envelope_goes_around_the_bodies() -> None:
    envelope = 'envelope = { events = { "@path" = "$.items" }, key = { "@path" = "$.settings.token" } }'

    (request,), _ = sent(shop(defined(batched("object", envelope))), [track(1, user="a"), track(2, user="a")])

    assert body(request) == {"events": [{"user": "a", "n": 1}, {"user": "a", "n": 2}], "key": "s3cr3t"}


def test_a_get_has_no_body() -> None:
    (request,), _ = sent(
        shop(defined(TOML.replace("[request]\n", '[request]\nmethod = "GET"\n'))), [track(1)]
    )

    assert (request.method, request.body) == ("GET", b"")
    assert "Content-Type" not in request.headers


def test_each_request_settles_its_own_events_alone() -> None:
    events = [track(1), track(2)]

    apart, _ = sent(shop(defined()), events)
    together, _ = sent(shop(defined(batched("array"))), [track(1, user="a"), track(2, user="a")])

    assert [list(one.settles or ()) for one in apart] == [[events[0]], [events[1]]]
    assert [len(one.settles or ()) for one in together] == [2]


def test_the_file_names_the_header_of_the_engines_key() -> None:
    assert defined('idempotency_header = "Idempotency-Key"\n' + TOML).idempotency_header == "Idempotency-Key"
    assert defined().idempotency_header is None


def test_requests_are_signed_as_the_file_declares() -> None:
    auth = 'auth = { kind = "basic", username = "{{settings.host}}", password = "{{settings.token}}" }\n'

    assert shop(defined(auth + TOML)).auth() == BasicAuth(username="shop.test", password=Secret("s3cr3t"))
    assert shop(defined()).auth() is None


def test_an_event_is_not_changed() -> None:
    event = track(1)
    before = event.json

    sent(shop(defined(TOML, SECOND)), [event])

    assert event.json == before
    assert event.fields["properties"] == {"n": 1}


def test_secrets_do_not_show_in_the_destination() -> None:
    assert "s3cr3t" not in repr(shop(defined()).settings)


def test_a_setting_that_does_not_match_its_pattern_is_refused_without_being_shown() -> None:
    toml = TOML.replace("secret = true", "secret = true\npattern = 'k_[a-z]+'")

    with pytest.raises((ValueError, RouterError)) as caught:
        shop(defined(toml), token="wrong-value")

    assert "token does not look as it must: k_[a-z]+" in str(caught.value)
    assert "wrong-value" not in str(caught.value)
