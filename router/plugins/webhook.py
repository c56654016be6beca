"""The contract of a webhook source: what an author writes to make calls of a vendor's requests, and nothing else.

The engine keeps each request before it answers the vendor, and runs `receive` afterwards. It has no loop, no session
and no retry: where it needs to ask somebody it yields a `Request`, and is sent the answer.
"""

from collections.abc import Generator, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct

from router.plugins.parameters import settings_of
from router.plugins.request import FORM, Answer, Request
from router.plugins.settings import Duration, Settings
from router.plugins.source import Call, SettingsT, WayIn

Received = Generator[Request | Call, Answer, None] | Sequence[Call]
"""What `receive` may be: a generator that yields calls, and requests whose answers it is sent; or a list of calls."""


class WebhookRequest(Struct, frozen=True, kw_only=True):
    """One request of a vendor, as it was sent."""

    body: bytes
    headers: Mapping[str, str] = {}
    """By name, in lower case."""
    query: str = ""
    """Without the question mark, and without the key that opened the door."""
    received_at: int = 0
    """Milliseconds since the epoch."""
    id: str = ""
    """The same each time the request is tried."""

    @property
    def is_form(self) -> bool:
        """Whether the body is a form; otherwise it is JSON."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower() == FORM

    def json(self) -> Any:
        """The decoded body; of a form its fields."""
        return self.form() if self.is_form else msgspec.json.decode(self.body)

    def form(self) -> dict[str, str]:
        """The fields of a form; of one that comes twice, the last."""
        return dict(parse_qsl(self.body.decode(errors="replace"), keep_blank_values=True))


class WebhookSource(WayIn[SettingsT]):
    """Makes calls of a vendor's requests. Subclass as `class Name(WebhookSource[NameSettings])` and write `receive`.

    A request is tried until it ends, at most six times. After a crash it is tried again; calls that `receive` makes
    again have the same message ids, and count once.
    """

    timeout: ClassVar[Duration] = Duration(5)
    """How long one try may take, with all the requests that it makes."""

    def receive(self, request: WebhookRequest) -> Received:
        """Yield the calls that a request stands for; or return them as a list.

        `answer = yield Request.get(…)` asks somebody. A call without a message id gets one, and without a time that
        of the request. RetryLater has the request tried again later, and so does a service that is not well; anything
        else that is raised, such as Rejected, ends it: it becomes a dead letter, and none of its calls is taken.
        """
        raise NotImplementedError

    def limit(self) -> float:
        """Seconds that one try may take."""
        return float(self.timeout)

    def close(self) -> None:
        """Release what it holds; it is not used any more."""

    @classmethod
    def settings_type(cls) -> type[Settings]:
        """The settings struct named in the class statement."""
        return settings_of(cls, WebhookSource)
