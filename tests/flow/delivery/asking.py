"""An insert function that asks a service, a destination behind it, and what tests read from that service."""

from collections.abc import Sequence
from typing import Any

from router.delivery.terms import Terms
from router.events.calls import AnyEvent
from router.javascript.function_settings import FunctionSettings
from router.javascript.function_transformation import FunctionTransformation
from router.plugins.auth import BearerAuth
from router.plugins.destination import Destination
from router.plugins.request import Request
from router.testing.fake_http import FakeHttp, Reply
from tests.flow.delivery.rig import HookSettings

ASK = """
async function onTrack(event, { url, token }) {
  const answer = await fetch(url + "/ask/" + event.event, { headers: { "X-Key": token ?? "" } });
  if (answer.status === 503) throw new RetryError("later");
  if (answer.status === 400) throw new ValidationError("bad");
  if (answer.status === 404) return null;
  if (answer.status === 410) throw new DropEvent("gone");
  event.properties.plan = (await answer.text()) || "free";
  return event;
}
"""
BATCH = """
async function onBatch(events, { url }) {
  if (events.some((event) => event.event === "E2")) throw new ValidationError("bad");
  const answer = await fetch(url + "/ask", { method: "POST", body: events.map((event) => event.event).join() });
  const plans = await answer.json();
  for (const event of events) event.properties.plan = plans[event.event];
  return events.filter((event) => event.properties.plan !== "none");
}
"""


class Plans(Destination[HookSettings, AnyEvent]):
    """One request for a batch: each event with its plan."""

    kind = "plans"

    def requests(self, events: Sequence[AnyEvent]) -> Any:
        """The events."""
        said = ",".join(f"{event.message_id}={event.properties['plan']}" for event in events)  # type: ignore[union-attr]
        return [Request.post(self.settings.url, body=said.encode())]

    def auth(self) -> BearerAuth:
        """The credentials that nobody else may see."""
        return BearerAuth(token=self.settings.token)


def plans(service: FakeHttp) -> Any:
    return lambda: Plans(HookSettings(url=service.url + "/hook"), name="crm")


def terms(service: FakeHttp, *codes: str, **settings: Any) -> Terms:
    return Terms(
        asking=tuple(
            FunctionTransformation(
                FunctionSettings(code=code, settings={"url": service.url}, **settings), name="tidy"
            )
            for code in codes or (ASK,)
        )
    )


def bodies(service: FakeHttp, path: str = "/hook") -> list[str]:
    return [one.body.decode() for one in service.requests if one.path == path]


def asked(service: FakeHttp) -> list[str]:
    return [one.path for one in service.requests if one.path.startswith("/ask")]


def by_path(replies: dict[str, Reply | list[Reply]]) -> Any:
    """Answers by path; of a list one after the other."""

    def rule(request: Any) -> Reply | None:
        found = replies.get(request.path)
        return (found.pop(0) if found else None) if isinstance(found, list) else found

    return rule
