"""Add which campaign brought a visitor, by the `utm_` parameters of the page."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from router import Enricher, Settings, hookimpl

_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


class CampaignSettings(Settings, frozen=True):
    """None."""


class Campaign(Enricher[CampaignSettings]):
    """Add the campaign, by the utm_ parameters of the page.

    `context.campaign` gets what analytics.js makes of `context.page.search`, or of the query of `context.page.url`:
    `utm_campaign` as `name`, `utm_source` as `source`, and any other `utm_x` as `x`. Click ids are referrer's business.
    """

    kind = "campaign"
    reads = ("page",)
    adds = ("campaign",)

    def add(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """The campaign, if the page has one."""
        found = campaign(query_of(given["page"]))
        return {"campaign": found} if found else {}


def query_of(page: object) -> str:
    """The query of a page as the browser describes it; empty when there is none."""
    if not isinstance(page, Mapping):
        return ""
    search, url = page.get("search"), page.get("url")
    if isinstance(search, str) and search:
        return search
    return url.partition("#")[0].partition("?")[2] if isinstance(url, str) else ""


def campaign(query: str) -> dict[str, str]:
    """The `utm_` parameters, read as the browser SDK reads them."""
    found = {}
    for pair in query.removeprefix("?").replace("?", "&").split("&"):
        key, _, rest = pair.partition("=")
        if "utm_" in key and len(key) > 4:
            name = key[4:]
            found["name" if name == "campaign" else name] = _decoded(rest.partition("=")[0])
    return found


def _decoded(text: str) -> str:
    """The text without escapes, or as it is when one of them is bad."""
    try:
        return text if _BAD_ESCAPE.search(text) else unquote(text.replace("+", " "), errors="strict")
    except UnicodeDecodeError:
        return text


@hookimpl
def register_enrichments() -> list[type[Enricher[CampaignSettings]]]:
    """Offer the enrichment."""
    return [Campaign]
