"""The door of the Profile API: whatever lies below `/v1/spaces/`, in its own shape of errors and without CORS.

    GET  /v1/spaces/{space}/collections/{users|accounts}/profiles/{type}:{value}/{traits|external_ids|events|…}
    POST /v1/spaces/{space}/collections/users/profiles/user_id:{value}/external_ids/delete
    GET  /v1/spaces/{space}/collections/{users|accounts}/profiles      where the operator opens that

Every answer has a `Request-Id`. A token opens its own space; whether there is another space is nobody's business.
"""

from collections.abc import Callable, Mapping
from urllib.parse import quote
from uuid import uuid4

import msgspec
from msgspec.structs import replace

from router.api.exchange import HttpAnswer, HttpRequest
from router.api.profiles.deleting import TakeAway, delete_identifier
from router.api.profiles.events import EventsOf
from router.api.profiles.listing import list_profiles
from router.api.profiles.lookup import find_profile
from router.api.profiles.query import Query, collection_named, decoded
from router.api.profiles.rate import MOST, SpaceRate
from router.api.profiles.reading import Answering, Asked, external_ids, links, metadata, traits
from router.api.profiles.refused import INVALID, ProfileRequestRefused
from router.api.profiles.space import Space
from router.api.tracking import basic_key
from router.errors import StorageError
from router.rules.identity.computed.rules import NO_RULES, ComputedRules
from router.storage.profile import Collection
from router.storage.store import Storage

PREFIX = "/v1/spaces/"
_DELETE = ("external_ids", "delete")


class ProfileDoor:
    """Answers the Profile API for the spaces that have a token."""

    def __init__(
        self,
        storage: Storage,
        *,
        take_away: TakeAway,
        computed: Callable[[], Mapping[str, ComputedRules]] = dict,
        now: Callable[[], int],
        monotonic: Callable[[], float],
        spaces: Mapping[str, Space],
        prefix: str = "",
    ) -> None:
        """`now` is in milliseconds, `prefix` the path below which the doors stand in another application.

        `computed` are the rules of today by space: a trait whose rule is gone is one like others.
        """
        self.spaces = spaces
        self._storage = storage
        self._take_away = take_away
        self._computed = computed
        self._rate = SpaceRate(monotonic)
        self._prefix = prefix
        self._answers: Mapping[str, Answering] = {
            "traits": traits,
            "external_ids": external_ids,
            "events": EventsOf(now),
            "metadata": metadata,
            "links": links,
        }

    async def handle(self, request: HttpRequest) -> HttpAnswer:
        """Answer one request."""
        try:
            answer = await self._answer(request)
        except ProfileRequestRefused as refused:
            answer = refused.answer()
        except StorageError as error:
            answer = ProfileRequestRefused(503, "internal_error", f"{error}; ask again").answer()
        return replace(answer, headers={**answer.headers, "Request-Id": uuid4().hex})

    async def _answer(self, request: HttpRequest) -> HttpAnswer:
        """The space comes first: who has no token learns nothing else."""
        named, *segments = request.path.removeprefix(PREFIX).split("/")
        is_deletion = tuple(segments[-2:]) == _DELETE
        space = self._enter(decoded(named), request, is_deletion=is_deletion)
        if len(segments) < 3 or (segments[0], segments[2]) != ("collections", "profiles"):
            raise _nothing()
        method = "GET" if request.method == "HEAD" else request.method
        allowed = "POST" if is_deletion else "GET"
        if method != allowed:
            message = f"{request.method} is not allowed here; allowed: {allowed}"
            raise ProfileRequestRefused(405, INVALID, message, headers={"Allow": allowed})
        collection = decoded(segments[1])
        if len(segments) == len(("collections", collection, "profiles")):
            return await self._list(space, collection_named(collection), request.query)
        if is_deletion and len(segments) == len(("collections", collection, "profiles", "", *_DELETE)):
            return await self._delete(space, collection, segments[3], request.body)
        if len(segments) != len(("collections", collection, "profiles", "", "traits")):
            raise _nothing()
        answering = self._answers.get(segments[4])
        if answering is None:
            raise _nothing()
        return await self._read(answering, space, collection_named(collection), segments[3], request.query)

    def _enter(self, name: str, request: HttpRequest, *, is_deletion: bool) -> Space:
        """The space, for who has a token of it and has not asked too often."""
        if not any(one.tokens for one in self.spaces.values()):
            message = "the Profile API is closed: no space of this router has a token"
            raise ProfileRequestRefused(404, "not_found", message)
        space = self.spaces.get(name)
        token = basic_key(request.headers.get("Authorization", ""))
        if space is None or not token or not space.is_opened_by(token):
            code = "unauthorized" if is_deletion else "authentication_error"
            message = "send a token of this space as the user name of Basic authentication"
            raise ProfileRequestRefused(401, code, message, headers={"WWW-Authenticate": "Basic"})
        if self._rate.is_spent(name):
            message = f"over {MOST} requests a second in this space"
            raise ProfileRequestRefused(429, "rate_limit_error", message, headers={"Retry-After": "1"})
        return space

    async def _list(self, space: Space, collection: Collection, query: str) -> HttpAnswer:
        if not space.list_profiles:
            raise _nothing()
        path = f"{self._prefix}{PREFIX}{quote(space.name, safe='')}/collections/{collection}"
        answer = await list_profiles(
            self._storage.profiles, Query(query), space=space.name, collection=collection, path=path
        )
        return HttpAnswer(body=msgspec.json.encode(answer), is_public=False)

    async def _read(
        self, answering: Answering, space: Space, collection: Collection, segment: str, query: str
    ) -> HttpAnswer:
        asked = Query(query)
        profile = await find_profile(self._storage.profiles, segment, space.name, collection)
        named = quote(space.name, safe="")
        path = f"{self._prefix}{PREFIX}{named}/collections/{collection}/profiles/{profile.id}"
        answer = await answering(
            Asked(self._storage, profile, asked, path, self._computed().get(space.name, NO_RULES))
        )
        return HttpAnswer(body=msgspec.json.encode(answer), is_public=False)

    async def _delete(self, space: Space, collection: str, segment: str, body: bytes) -> HttpAnswer:
        if collection != "users":
            message = "only identifiers of users can be deleted: collections/users/profiles/…"
            raise ProfileRequestRefused(400, "bad_request", message)
        if not space.delete_identifiers:
            message = (
                "identifiers cannot be deleted in this space; its operator allows it with delete_identifiers"
            )
            raise ProfileRequestRefused(403, "forbidden", message)
        profiles = self._storage.profiles
        answer = await delete_identifier(
            segment, body, space=space.name, profiles=profiles, take_away=self._take_away
        )
        return HttpAnswer(body=answer, is_public=False)


def _nothing() -> ProfileRequestRefused:
    return ProfileRequestRefused(404, "not_found", "nothing is served at this path of the Profile API")
