"""What would be sent: the first requests of each flow, and what depends on an answer."""

from collections.abc import Sequence

import pytest

from router.delivery.classify import Endless
from router.delivery.sending.first_requests import first_requests
from router.errors import PluginError
from router.events.calls import Identify, Track
from router.plugins.destination import Requests
from router.plugins.request import Request
from tests.flow.delivery.rig import Hook, HookSettings, envelope
from tests.flow.delivery.test_settles import Chain, Each, Pair

Events = Sequence[Track | Identify]
EVENTS: list[Track | Identify] = [envelope(n).event for n in range(3)]  # type: ignore[misc]


def shown(cls: type[Hook]) -> list[tuple[str, list[str], bool]]:
    """Path, message ids and whether more follows, for each request."""
    found = first_requests(cls(HookSettings(url="http://h"), name="crm"), EVENTS)
    return [
        (str(one.request.url)[8:].lstrip("/"), [event.message_id for event in one.events], one.is_followed)
        for one in found
    ]


def test_requests_that_use_no_answer_are_all_shown() -> None:
    assert shown(Each) == [("", ["m0"], False), ("", ["m1"], False), ("", ["m2"], False)]
    assert [path for path, _, _ in shown(Pair)] == ["a", "b"] * 3
    assert shown(Hook) == [("", ["m0", "m1", "m2"], False)]


def test_of_each_flow_the_first_step_is_shown_and_that_more_depends_on_its_answer() -> None:
    assert shown(Chain) == [("make", ["m0"], True), ("make", ["m1"], True), ("make", ["m2"], True)]


def test_the_request_whose_answer_is_used_is_marked_also_when_others_lie_between() -> None:
    class Late(Hook):
        def requests(self, events: Events) -> Requests:
            token = yield Request.get(self.settings.url + "/token")
            yield Request.post(self.settings.url + "/log", json=1)
            yield Request.post(self.settings.url + "/send", json=token.json())
            return None

    everyone = ["m0", "m1", "m2"]
    assert shown(Late) == [("token", everyone, True), ("log", everyone, False)]


def test_a_preview_of_requests_without_end_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    class For(Hook):
        def requests(self, events: Events) -> Requests:
            while True:
                yield Request.post(self.settings.url, json=1)

    monkeypatch.setattr("router.delivery.sending.first_requests.MOST_REQUESTS", 10)

    with pytest.raises(Endless, match="crm"):
        shown(For)


def test_a_preview_raises_what_the_plugin_does_wrong() -> None:
    class Wrong(Hook):
        def requests(self, events: Events) -> Requests:
            return [b"bytes"]  # type: ignore[return-value]

    with pytest.raises(PluginError, match="yielded bytes"):
        shown(Wrong)


def test_a_destination_that_delivers_by_itself_describes_nothing() -> None:
    class Silent(Hook):
        @classmethod
        def speaks_http(cls) -> bool:
            return False

    assert shown(Silent) == []
