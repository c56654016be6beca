"""Bots are marked with their name, people are not, and hostile text costs no time."""

from typing import Any

import pytest

from plugins.enrichments.bot import Bot
from router.rules.fql.filter import compile_filter
from router.testing import enriched, enricher, track


@pytest.fixture(scope="module")
def bot() -> Bot:
    return enricher(Bot)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "Googlebot"),
        ("Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)", "GPTBot"),
        ("curl/8.1", "curl"),
        ("python-requests/2.32", "python-requests"),
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/120.0.0.0 Safari/537.36",
            "HeadlessChrome",
        ),
    ],
)
def test_a_bot_is_marked(bot: Bot, text: str, name: str) -> None:
    made = enriched(bot, track("A", context={"userAgent": text}))

    assert made.context["device"] == {"type": "bot", "name": name}
    assert not compile_filter('context.device.type != "bot"').matches(made)


@pytest.mark.parametrize(
    "text",
    [
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0.0.0 Safari/537.36",
        "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        *("", "x" * 8192, "a b" * 2700, "(" * 8192, None, 7, [], {}),
    ],
)
def test_anything_else_is_not(bot: Bot, text: Any) -> None:
    event = track("A", context={"userAgent": text})

    assert enriched(bot, event) is event
