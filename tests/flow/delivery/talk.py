"""What the tests say to the fake service and read from it."""

from collections.abc import Callable

from router.testing.fake_http import FakeHttp, Received, Reply
from tests.flow.delivery.rig import Hook, HookSettings


def hook(service: FakeHttp) -> Callable[[], Hook]:
    return lambda: Hook(HookSettings(url=service.url + "/hook"), name="crm")


def ids(request: Received) -> list[str]:
    return str(request.json()).split(",")


def sent(service: FakeHttp) -> list[list[str]]:
    return [ids(request) for request in service.requests]


def refuse(service: FakeHttp, *bad: str, status: int = 400) -> None:
    """Answer `status` to every request that holds one of these ids."""
    service.rule = lambda request: Reply(status=status) if set(bad) & set(ids(request)) else None
