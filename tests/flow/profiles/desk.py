"""A router with profiles and a token, and questions to its Profile API."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from router.testing.clock import ManualClock
from router.testing.running import Running, running
from tests.flow.tracking.client import Reply, ask, basic, encoded

TOKEN = "pt_shop"
CONFIG: Mapping[str, Any] = {
    "identity": {},
    "sources": {
        "web": {"write_key": "wk_web", "workspace": "shop"},
        "other": {"write_key": "wk_other", "workspace": "club"},
    },
    "spaces": {
        "shop": {"tokens": [TOKEN, "pt_second"], "delete_identifiers": True},
        "club": {"tokens": ["pt_club"]},
    },
}
ROOT = "/v1/spaces/shop/collections/users/profiles/"


@asynccontextmanager
async def profiles(config: Mapping[str, Any] = {}, **options: Any) -> AsyncIterator[Running]:
    """A running router on simulated time."""
    async with running({**CONFIG, **config}, **{"clock": ManualClock(), **options}) as rig:
        yield rig


async def send(rig: Running, *calls: Mapping[str, Any], key: str = "wk_web") -> None:
    """Have calls processed."""
    reply = await ask(rig, "/v1/batch", {"batch": calls}, headers=basic(key))
    assert reply.status == 200
    await rig.drained()


async def get(
    rig: Running, path: str, *, token: str = TOKEN, method: str = "GET", root: str = ROOT, **headers: str
) -> Reply:
    """Ask for something of a profile."""
    return await ask(rig, root + path, method=method, headers={**basic(token), **headers})


async def delete(
    rig: Running, user: str, *ids: tuple[str, str], token: str = TOKEN, root: str = ROOT, body: Any = None
) -> Reply:
    """Delete identifiers, each a type and a value."""
    named = {"delete_external_ids": [{"type": type, "id": id} for type, id in ids]}
    path = f"{root}{user}/external_ids/delete"
    return await ask(rig, path, encoded(named if body is None else body), headers=basic(token))


def error(reply: Reply) -> tuple[int, str]:
    """Status and code of an error that has the documented shape."""
    assert reply.headers["content-type"] == "application/json"
    assert set(reply.json) == {"error"}
    assert set(reply.json["error"]) == {"code", "message"}
    return reply.status, reply.json["error"]["code"]


def identify(user: str | None = None, anon: str | None = None, **traits: Any) -> dict[str, Any]:
    """An identify call."""
    ids = {"userId": user, "anonymousId": anon}
    return {"type": "identify", **{name: one for name, one in ids.items() if one}, "traits": traits}


def track(event: str, user: str = "u1", **fields: Any) -> dict[str, Any]:
    """A track call."""
    return {"type": "track", "userId": user, "event": event, **fields}
