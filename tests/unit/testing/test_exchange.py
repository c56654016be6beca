"""An exchange is one attempt on the engine's own road, without a network."""

from collections.abc import Sequence
from typing import ClassVar

import pytest

from router import Batching, ClientCredentialsAuth, ConfigError, Outcome, RetryLater, Track
from router.plugins.destination import Requests
from router.plugins.request import Request
from router.testing import answer, broken_promises, configured, exchange, identify, page, track
from tests.unit.testing.bad_destinations import Good, Judge


class Steps(Good):
    """A destination with two steps."""

    kind = "steps"
    batching = Batching(max_events=2)

    def requests(self, events: Sequence[Track]) -> Requests:  # type: ignore[override]
        """First ask, then send."""
        found = yield Request.get(f"{self.settings.url}/room")
        yield Request.post(f"{self.settings.url}/{found.json()['id']}", body=b"x")


class Raising(Good):
    """A destination that raises."""

    kind = "raising"

    def requests(self, events: Sequence[Track]) -> Requests:  # type: ignore[override]
        """Raise what the event says."""
        if events[0].event == "later":
            raise RetryLater("NOT_NOW", after=7)
        yield Request.post("http://x", json=events[0].properties["missing"])


def test_it_tells_the_requests_and_that_events_were_delivered() -> None:
    done = exchange(configured(Good, url="https://x.example.com", token="t"), [track("A", message_id="m1")])

    assert done.requests[0].url == "https://x.example.com"
    assert done.body() == [{"id": "m1", "user": "u1", "name": "A"}]
    assert done.outcomes == [Outcome.delivered()]


@pytest.mark.parametrize(
    ("scripted", "outcome"),
    [
        (400, Outcome.rejected("400")),
        (503, Outcome.retry("503")),
        (401, Outcome.retry("401")),
        (answer(429, headers={"Retry-After": "9"}), Outcome.retry("429", 9.0)),
        (ConnectionResetError(), Outcome.retry("ECONNRESET")),
    ],
)
def test_it_tells_what_follows_from_an_answer(scripted: object, outcome: Outcome) -> None:
    assert exchange(Good, [track("A"), track("B")], answers=[scripted]).outcomes == [outcome] * 2  # type: ignore[list-item]


def test_an_answer_goes_to_the_generator() -> None:
    done = exchange(Steps, [track("A")], answers=[answer(json={"id": "r7"}), 201])

    assert [one.method for one in done.requests] == ["GET", "POST"]
    assert done.requests[1].url.endswith("/r7")


def test_events_are_divided_into_batches_and_each_request_says_for_which() -> None:
    events = [track("A"), track("B"), track("C")]

    done = exchange(Steps, events, answers=[answer(json={"id": "r"}), 200, 500])

    assert [list(one) for one in done.settled] == [events[:2], events[:2], events[2:]]
    assert done.outcomes == [Outcome.delivered(), Outcome.delivered(), Outcome.retry("500")]


def test_events_of_other_types_are_filtered() -> None:
    done = exchange(Good, [page("Home"), identify()])

    assert [one.verdict for one in done.outcomes] == ["filtered", "delivered"]


def test_an_authors_own_verdict_on_each_event_is_told() -> None:
    class Refusing(Judge):
        """It refuses."""

        kind = "refusing"
        statuses = (422,)

    assert exchange(Refusing, [track("A")], answers=[422]).outcomes == [Outcome.rejected("no")]


def test_a_mistake_in_requests_is_raised_where_the_author_sees_it() -> None:
    with pytest.raises(KeyError, match="missing"):
        exchange(Raising, [track("A")])


def test_an_authors_word_is_an_outcome() -> None:
    assert exchange(Raising, [track("later")]).outcomes == [Outcome.retry("NOT_NOW", 7)]


async def test_it_works_inside_a_running_loop() -> None:
    assert exchange(Good, [track("A")]).outcomes == [Outcome.delivered()]


def test_settings_are_checked_as_the_router_checks_them() -> None:
    with pytest.raises(ConfigError, match="is missing"):
        configured(Good, token="t")


class Single(Good):
    """A destination whose requests settle one event each."""

    kind = "single"

    def requests(self, events: Sequence[Track]) -> Requests:  # type: ignore[override]
        """A request for each event."""
        for event in events:
            yield Request.post(self.settings.url, json={"id": event.message_id}, settles=[event])


class WithTokens(Good):
    """Uses tokens. track: posted. identify: posted."""

    kind = "with-tokens"

    def auth(self) -> ClientCredentialsAuth:
        """The account."""
        return ClientCredentialsAuth(
            token_url="https://login.example.com/token", client_id="me", client_secret=self.settings.token
        )


def test_each_request_is_settled_alone_where_it_says_so() -> None:
    events = [track("A"), track("B"), track("C")]

    done = exchange(Single, events, answers=[200, 400, 200])

    assert [list(one) for one in done.settled] == [[event] for event in events]
    assert [one.verdict for one in done.outcomes] == ["delivered", "rejected", "delivered"]


def test_tokens_are_given_unasked() -> None:
    done = exchange(WithTokens, [track("A")], answers=[201])

    assert len(done.requests) == 1
    assert done.outcomes == [Outcome.delivered()]


def test_a_destination_with_tokens_keeps_every_promise() -> None:
    assert broken_promises(WithTokens) == {}


class Picky(Good):
    """Wants an address that made-up text does not look like."""

    kind = "picky"
    sample = 'settings.url = "env:PICKY"\nsettings.token = "env:PICKY_TOKEN"'
    sample_secrets: ClassVar = {"url": "https://picky.example.com/T0", "token_of_another": "unused"}


def test_a_class_says_what_stands_in_for_a_reference_of_its_sample() -> None:
    made = configured(Picky).settings

    assert made.url == "https://picky.example.com/T0"
    assert made.token.reveal().startswith("made-up-")


def test_what_its_sample_writes_itself_is_left_alone() -> None:
    class Plain(Picky):
        """Writes its address."""

        kind = "plain"
        sample = 'settings.url = "https://own.example.com"\nsettings.token = "env:T"'

    assert configured(Plain).settings.url == "https://own.example.com"
