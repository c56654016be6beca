"""Slack, which is defined without code: what is sent, and the facts that recorded cases show."""

from typing import Any

import msgspec
import pytest

from router.config.load import load
from router.errors import ConfigError
from router.events.calls import AnyEvent, Identify, decode_event
from router.plugins.registry import Registry
from router.plugins.request import Request
from tests.fixtures import read_fixtures
from tests.flow.delivery.rig import STARTED_AT, envelope

URL = "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"
REGISTRY = Registry.load()


def slack(**settings: Any) -> Any:
    config = load(
        {"destinations": {"chat": {"kind": "slack", "settings": {"url": URL, **settings}}}}, registry=REGISTRY
    )
    return config.destinations["chat"].destination()


def request(event: AnyEvent, **settings: Any) -> Request:
    (made,) = slack(**settings).requests([event])
    assert isinstance(made, Request)
    return made


def test_a_track_call_is_a_message_that_names_event_and_user() -> None:
    made = request(envelope(3).event)

    assert (made.method, made.url, made.headers) == ("POST", URL, {"Content-Type": "application/json"})
    assert msgspec.json.decode(made.body) == {"text": "E3 (u3)", "username": "Pointsman"}


def test_an_identify_call_names_the_user_or_the_anonymous_id() -> None:
    event = Identify(message_id="m1", anonymous_id="a1", received_at=STARTED_AT, timestamp=STARTED_AT)

    assert msgspec.json.decode(request(event).body)["text"] == "Identified (a1)"


def test_what_an_event_says_cannot_call_everybody_in_the_channel() -> None:
    event = envelope(1, user="<!channel> & <@U1>").event

    assert msgspec.json.decode(request(event).body)["text"] == "E1 (&lt;!channel&gt; &amp; &lt;@U1&gt;)"


@pytest.mark.parametrize(
    "url", [URL + "?bad=true", "https://hooks.slack.com.evil.test/services/T0/B0/X", "http" + URL[5:], ""]
)
def test_an_address_that_is_not_slacks_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        slack(url=url)

    assert "url does not look as it must" in str(caught.value)
    assert not url or url not in str(caught.value)


def test_the_recorded_cases_agree_on_the_vendors_facts() -> None:
    for case in read_fixtures("slack.jsonl"):
        mapping = case["mapping"]
        settings = {key: mapping[key] for key in ("url", "channel", "username", "icon_url")}
        event = decode_event(msgspec.json.encode({**case["events"][0], "version": 2}))
        if "error" in case["expected"]:
            with pytest.raises(ConfigError):
                slack(**settings)
            continue
        (recorded,) = case["expected"]["requests"]
        made = request(event, **settings)
        body = msgspec.json.decode(made.body)

        assert (made.method, made.url) == (recorded["method"], recorded["url"])
        assert made.headers["Content-Type"] == recorded["headers"]["content-type"]
        assert body.keys() == recorded["body"].keys()
        assert {**body, "text": ""} == {**recorded["body"], "text": ""}
        assert isinstance(body["text"], str)
