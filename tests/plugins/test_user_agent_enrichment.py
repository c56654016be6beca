"""The user agent tells operating system and device; client hints come first; nothing is made up."""

from typing import Any

import pytest

from plugins.enrichments.user_agent import UserAgent
from router.testing import enriched, enricher, track

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
WINDOWS = f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/120.0.0.0 Safari/537.36"
FROZEN = f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} Chrome/140.0.0.0 Mobile Safari/537.36"
SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.1 Mobile/15E148 Safari/604.1"


@pytest.fixture(scope="module")
def agent() -> UserAgent:
    return enricher(UserAgent)


def told(agent: UserAgent, text: Any, hints: Any = None) -> tuple[Any, Any]:
    """The operating system and the device."""
    context = {"userAgent": text} if hints is None else {"userAgent": text, "userAgentData": hints}
    made = enriched(agent, track("A", context=context)).context
    return made.get("os"), made.get("device")


@pytest.mark.parametrize(
    ("text", "os", "device"),
    [
        (WINDOWS, {"name": "Windows", "version": "10"}, {"type": "desktop"}),
        (
            f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) {SAFARI}",
            {"name": "iOS", "version": "17.1"},
            {"type": "mobile", "manufacturer": "Apple", "model": "iPhone"},
        ),
        (
            f"Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) {SAFARI}",
            {"name": "iOS", "version": "16.6"},
            {"type": "tablet", "manufacturer": "Apple", "model": "iPad"},
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/17.1 Safari/605.1.15",
            {"name": "macOS", "version": "10.15.7"},
            {"type": "desktop", "manufacturer": "Apple", "model": "Mac"},
        ),
        (
            f"Mozilla/5.0 (Linux; Android 13; SM-X906C) {WEBKIT} Chrome/120.0.0.0 Safari/537.36",
            {"name": "Android", "version": "13"},
            {"type": "tablet", "manufacturer": "Samsung", "model": "SM-X906C"},
        ),
        (FROZEN, {"name": "Android", "version": "10"}, {"type": "mobile"}),
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            {"name": "Linux"},
            {"type": "desktop"},
        ),
        (
            "Mozilla/5.0 (SMART-TV; Linux; Tizen 5.0) AppleWebKit/538.1 Version/5.0 TV Safari/538.1",
            {"name": "Tizen", "version": "5.0"},
            {"type": "tv", "manufacturer": "Samsung", "model": "SMART-TV"},
        ),
        (
            "Dalvik/2.1.0 (Linux; U; Android 14; Pixel 8 Build/UQ1A)",
            {"name": "Android", "version": "14"},
            {"manufacturer": "Google", "model": "Pixel 8"},
        ),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", None, None),
        ("curl/8.1", None, None),
    ],
)
def test_a_user_agent_is_read(agent: UserAgent, text: str, os: Any, device: Any) -> None:
    assert told(agent, text) == (os, device)


@pytest.mark.parametrize(
    ("text", "hints", "os", "device"),
    [
        (
            FROZEN,
            {"platform": "Android", "mobile": True, "model": "Pixel 9", "platformVersion": "16.0.0"},
            {"name": "Android", "version": "16"},
            {"type": "mobile", "model": "Pixel 9"},
        ),
        (
            WINDOWS,
            {"platform": "Windows", "mobile": False, "platformVersion": "15.0.0", "model": ""},
            {"name": "Windows", "version": "11"},
            {"type": "desktop"},
        ),
        (
            WINDOWS,
            {"platform": "Windows", "platformVersion": "10.0.0"},
            {"name": "Windows", "version": "10"},
            {"type": "desktop"},
        ),
        (
            WINDOWS,
            {"platform": "Windows", "platformVersion": "0.1.0"},
            {"name": "Windows", "version": "7"},
            {"type": "desktop"},
        ),
        ("", {"platform": "macOS", "mobile": False}, {"name": "macOS"}, {"type": "desktop"}),
        (
            "",
            {"platform": "Chromium OS", "platformVersion": "1.2.0"},
            {"name": "Chrome OS", "version": "1.2"},
            {"type": "desktop"},
        ),
        (WINDOWS, {"platform": 7}, {"name": "Windows", "version": "10"}, {"type": "desktop"}),
        (WINDOWS, "no object", {"name": "Windows", "version": "10"}, {"type": "desktop"}),
        (WINDOWS, {"platform": "Linux", "platformVersion": "x.9"}, {"name": "Linux"}, {"type": "desktop"}),
        (
            WINDOWS,
            {"platform": "Linux", "platformVersion": "9" * 5000},
            {"name": "Linux"},
            {"type": "desktop"},
        ),
    ],
)
def test_client_hints_come_first(agent: UserAgent, text: str, hints: Any, os: Any, device: Any) -> None:
    assert told(agent, text, hints) == (os, device)


@pytest.mark.parametrize(
    "text",
    [None, 7, [], {}, "", "x" * 8192, "(" * 8192, "Mozilla/5.0 (" * 700, "\x00\u202e\U0001f4a9", "%s" * 4000],
)
def test_what_is_no_user_agent_adds_nothing(agent: UserAgent, text: Any) -> None:
    assert told(agent, text) == (None, None)


def test_a_device_that_is_there_does_not_keep_the_system_away(agent: UserAgent) -> None:
    made = enriched(agent, track("A", context={"userAgent": WINDOWS, "device": {"id": "d1"}})).context

    assert (made["os"], made["device"]) == ({"name": "Windows", "version": "10"}, {"id": "d1"})
