"""Which handler a path leads to."""

from typing import Any

import msgspec
import pytest

from router.api.exchange import HttpAnswer, HttpRequest
from router.api.routes import Routes


def routes() -> Routes:
    async def named(request: HttpRequest, **blanks: str) -> HttpAnswer:
        return HttpAnswer(body=msgspec.json.encode({"path": request.path, **blanks}))

    found = Routes()
    found.add_route("POST", "/v1/track", named)
    found.add_route("GET", "/v1/projects/{key}/settings", named)
    found.add_route("POST", "/v1/projects/{key}/settings", named)
    found.add_route("GET", "/a.b/{one}/{two}", named)
    return found


async def answer(method: str, path: str, **headers: str) -> HttpAnswer:
    request = HttpRequest(method=method, path=path, headers=headers)
    return await routes().find(method, path)(request)


@pytest.mark.parametrize(
    ("method", "path", "blanks"),
    [
        ("POST", "/v1/track", {}),
        ("GET", "/v1/projects/k/settings", {"key": "k"}),
        ("HEAD", "/v1/projects/k/settings", {"key": "k"}),
        ("POST", "/v1/projects/k/settings", {"key": "k"}),
        ("GET", "/a.b/x/y", {"one": "x", "two": "y"}),
    ],
)
async def test_a_path_leads_to_its_handler(method: str, path: str, blanks: dict[str, Any]) -> None:
    found = await answer(method, path)

    assert msgspec.json.decode(found.body) == {"path": path, **blanks}


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/track/x", "/v1/projects//settings", "/aXb/x/y", "/a.b/x/y/z"]
)
async def test_any_other_path_is_not_found(path: str) -> None:
    found = await answer("GET", path)

    assert (found.status, msgspec.json.decode(found.body)["code"]) == (404, "not_found")


async def test_a_method_that_is_not_served_is_told_which_are() -> None:
    found = await answer("DELETE", "/v1/projects/k/settings")

    assert found.status == 405
    assert found.headers == {"Allow": "GET, HEAD, OPTIONS, POST"}


@pytest.mark.parametrize("path", ["/v1/track", "/v1/anything", "/a.b/x/y"])
async def test_a_preflight_is_answered_wherever_clients_go(path: str) -> None:
    found = await answer("OPTIONS", path, Origin="https://shop.test")

    assert (found.status, found.body) == (204, b"")
    assert found.headers["Access-Control-Allow-Methods"] == "GET, POST, OPTIONS"


async def test_a_preflight_elsewhere_is_not_found() -> None:
    assert (await answer("OPTIONS", "/console")).status == 404
