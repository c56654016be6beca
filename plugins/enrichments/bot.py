"""Mark events of crawlers and other programs, so that a filter can leave them out."""

import re
from collections.abc import Mapping
from typing import Any

from crawleruseragents import CRAWLER_USER_AGENTS_DATA  # type: ignore[import-untyped]
from ua_parser_rs import UserAgentExtractor

from router import Enricher, Settings, hookimpl

LONGEST = 1024
"""Characters of a user agent that are looked at."""


class BotSettings(Settings, frozen=True):
    """None."""


class Bot(Enricher[BotSettings]):
    """Mark events of crawlers and other programs, by the user agent.

    `context.device` gets `type` "bot" and `name`, e.g. "Googlebot". Filter with `context.device.type != "bot"`. Beside
    user_agent, name it first: `enrich = ["bot", "user_agent"]`.
    """

    kind = "bot"
    reads = ("userAgent",)
    adds = ("device",)

    def __init__(self, settings: BotSettings) -> None:
        super().__init__(settings)
        self._patterns = [one["pattern"] for one in CRAWLER_USER_AGENTS_DATA]
        # A set of some 1,500 expressions at once, each named by its number; in linear time, whatever strangers send.
        rows = [
            (pattern, str(number), None, None, None, None) for number, pattern in enumerate(self._patterns)
        ]
        self._find = UserAgentExtractor(rows).extract

    def add(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """The mark, if it is a bot."""
        text = given["userAgent"]
        if not isinstance(text, str) or (found := self._find(text[:LONGEST])) is None:
            return {}
        name = re.search(self._patterns[int(found.family)], text[:LONGEST])
        return {"device": {"type": "bot", "name": re.sub(r"^\W+|\W+$", "", name[0] if name else "")}}


@hookimpl
def register_enrichments() -> list[type[Enricher[BotSettings]]]:
    """Offer the enrichment."""
    return [Bot]
