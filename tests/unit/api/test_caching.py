"""What caches and clients may keep."""

import pytest

from router.api.browser import asset
from router.api.caching import FIVE_MINUTES, cached
from router.api.exchange import HttpAnswer, HttpRequest

SCRIPT = asset(b"script " * 100)


def ask(**headers: str) -> HttpAnswer:
    request = HttpRequest(
        method="GET", path="/", headers={k.replace("_", "-"): v for k, v in headers.items()}
    )
    return cached(request, SCRIPT, "text/plain", FIVE_MINUTES)


def test_nobody_gets_a_304_unasked() -> None:
    answer = ask()

    assert (answer.status, answer.body) == (200, SCRIPT.body)
    assert answer.headers["Cache-Control"] == "public, max-age=300"


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
def test_whoever_has_it_gets_a_304(form: str) -> None:
    tag = ask().headers["ETag"]

    answer = ask(**{"If_None_Match": form.format(tag)})

    assert (answer.status, answer.body) == (304, b"")
    assert answer.headers["ETag"] == tag


def test_whoever_has_another_version_gets_this_one() -> None:
    assert ask(If_None_Match='"other"').status == 200


def test_it_is_packed_for_whoever_can_unpack() -> None:
    answer = ask(Accept_Encoding="gzip, br")

    assert answer.body == SCRIPT.packed
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["ETag"] != ask().headers["ETag"]
    assert "Accept-Encoding" in answer.headers["Vary"]


def test_a_copy_for_nobodys_page_is_not_given_to_a_page() -> None:
    assert "Origin" in ask().headers["Vary"]
