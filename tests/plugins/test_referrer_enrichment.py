"""Referrers are told by their host, whole labels only, and clicks on advertisements by their id."""

from typing import Any

import pytest

from plugins.enrichments.referrer import Referrer
from router.testing import enriched, enricher, track

URL = "https://www.acme.test/pricing?a=1"


@pytest.fixture(scope="module")
def referrer() -> Referrer:
    return enricher(Referrer, internal=["shop.example"])


def found(referrer: Referrer, page: Any) -> Any:
    """The referrer of a page."""
    return enriched(referrer, track("A", context={"page": page})).context.get("referrer")


@pytest.mark.parametrize(
    ("address", "kind", "name"),
    [
        ("https://www.google.com/", "search", "Google"),
        ("https://www.google.co.uk/url?q=x", "search", "Google"),
        ("https://GOOGLE.DE:443/", "search", "Google"),
        ("https://mail.google.com/mail", "email", "Gmail"),
        ("https://gemini.google.com/app", "ai", "Gemini"),
        ("android-app://com.google.android.gm/", "email", "Gmail"),
        ("https://chatgpt.com/", "ai", "ChatGPT"),
        ("https://l.facebook.com/l.php", "social", "Facebook"),
        ("https://t.co/abc", "social", "X"),
        ("https://m.youtube.com/", "video", "YouTube"),
        ("https://acme.test/", "internal", None),
        ("https://blog.acme.test/a", "internal", None),
        ("https://eu.shop.example/", "internal", None),
        ("https://notacme.test/", "link", None),
        ("https://google.evil.example/", "link", None),
        ("https://google.com.evil.example/", "link", None),
        ("https://facebook.com.evil.example/", "link", None),
        ("https://myfacebook.com/", "link", None),
        ("http://127.0.0.1/", "link", None),
    ],
)
def test_a_referrer_has_a_class(referrer: Referrer, address: str, kind: str, name: str | None) -> None:
    told = found(referrer, {"referrer": address, "url": URL})

    assert (told["type"], told.get("name"), told["url"]) == (kind, name, address)


@pytest.mark.parametrize(
    ("page", "told"),
    [
        ({"url": f"{URL}&gclid=abc#x"}, {"type": "ad", "name": "Google Ads", "id": "abc"}),
        ({"search": "?fbclid=a%2Fb"}, {"type": "ad", "name": "Meta", "id": "a/b"}),
        (
            {"url": f"{URL}&gclid=abc", "referrer": "https://www.google.com/"},
            {"type": "ad", "name": "Google Ads", "id": "abc", "url": "https://www.google.com/"},
        ),
        (
            {"url": f"{URL}&gclid=abc", "referrer": "https://acme.test/"},
            {"type": "internal", "url": "https://acme.test/"},
        ),
        ({"url": f"{URL}&gclid="}, None),
        ({"url": URL}, None),
        ({"url": URL, "referrer": ""}, None),
        ({"url": URL, "referrer": "$direct"}, None),
        ({"url": URL, "referrer": "http://[bad"}, None),
        ({"url": "http://[bad", "referrer": "https://www.google.com/"}, {"type": "search", "name": "Google", "url": "https://www.google.com/"}),
        ({"url": 7, "referrer": ["https://www.google.com/"], "search": {}}, None),
        ("text", None),
        (None, None),
    ],
)  # fmt: skip
def test_clicks_count_more_than_the_host_and_nonsense_does_not_count(
    referrer: Referrer, page: Any, told: Any
) -> None:
    assert found(referrer, page) == told


def test_a_huge_address_is_cut() -> None:
    told = found(enricher(Referrer), {"referrer": "https://www.google.com/" + "x" * 9000})

    assert (told["name"], len(told["url"])) == ("Google", 2048)
