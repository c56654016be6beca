"""Campaigns are read as the browser SDK reads them."""

from typing import Any

import pytest

from plugins.enrichments.campaign import Campaign
from router.testing import enriched, track


def found(page: Any) -> Any:
    """The campaign of a page."""
    return enriched(Campaign, track("A", context={"page": page})).context.get("campaign")


@pytest.mark.parametrize(
    ("search", "campaign"),
    [
        ("?utm_source=s&utm_campaign=c+d", {"source": "s", "name": "c d"}),
        ("utm_medium=m", {"medium": "m"}),
        ("?a=1?utm_source=s", {"source": "s"}),
        ("??utm_source=s", {"source": "s"}),
        ("?utm_=x&utm_x=1", {"x": "1"}),
        ("?my_utm_source=s", {"tm_source": "s"}),
        ("?utm_term=%C3%A9%20e", {"term": "é e"}),
        ("?utm_term=100%+a", {"term": "100%+a"}),
        ("?utm_term=%ff", {"term": "%ff"}),
        ("?utm_term=%zz+a", {"term": "%zz+a"}),
        ("?utm_term", {"term": ""}),
        ("?utm_term=a=b", {"term": "a"}),
        ("?utm_term=a&utm_term=b", {"term": "b"}),
        ("?UTM_TERM=a&q=utm_", None),
        ("?" + "&" * 9000, None),
        ("?" + "utm_x=%41&" * 900, {"x": "A"}),
    ],
)
def test_the_query_is_read_exactly(search: str, campaign: Any) -> None:
    assert found({"search": search}) == campaign


@pytest.mark.parametrize(
    ("page", "campaign"),
    [
        ({"url": "https://a.test/p?utm_source=s#utm_source=t"}, {"source": "s"}),
        ({"url": "https://a.test/p#?utm_source=t"}, None),
        ({"url": "https://a.test/?utm_source=s", "search": ""}, {"source": "s"}),
        ({"url": "https://a.test/?utm_source=s", "search": "?a=1"}, None),
        ({"url": "https://a.test/?utm_source=s", "search": 7}, {"source": "s"}),
        ({"url": 7}, None),
        ({}, None),
        ("text", None),
        (None, None),
        ([{"search": "?utm_source=s"}], None),
    ],
)
def test_without_a_search_the_url_is_read(page: Any, campaign: Any) -> None:
    assert found(page) == campaign
