"""A source function by itself: what it leaves behind, however its run ends."""

import pytest

from router import Rejected, Size, WebhookRequest
from router.javascript.function_source import FunctionSource, SourceFunctionSettings

BIG = WebhookRequest(
    body=b'{"pad":"' + b"x" * 400_000 + b'"}', headers={"content-type": "application/json"}, id="h1"
)
KEEPS = "Segment.track({ event: 'E', userId: 'u1', properties: request.json() });"


def function(code: str) -> FunctionSource:
    settings = SourceFunctionSettings(
        code=f"async function onRequest(request) {{ {code} }}", memory_limit=Size(32 << 20)
    )
    return FunctionSource(settings, name="shop")


def test_a_run_that_is_given_up_while_it_asks_leaves_none_of_its_calls_behind() -> None:
    source = function(f"{KEEPS} await fetch('https://shop.test/');")
    for _ in range(120):
        run = source.receive(BIG)
        assert getattr(next(run), "url", "") == "https://shop.test/"
        run.close()


def test_a_run_that_waits_for_ever_leaves_none_of_its_calls_behind() -> None:
    source = function(f"{KEEPS} await new Promise(() => {{}});")
    for _ in range(120):
        with pytest.raises(Rejected) as raised:
            next(source.receive(BIG))
        assert "never resolved" in raised.value.detail
