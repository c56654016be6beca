"""Add what device and operating system an event comes from, by what the browser says of itself."""

import re
from collections.abc import Mapping
from itertools import takewhile
from typing import Any

from ua_parser import Device, Domain
from ua_parser.loaders import load_lazy_builtins
from ua_parser.regex import Resolver

from router import Enricher, Settings, hookimpl

LONGEST = 1024
"""Characters of a user agent that are looked at; no browser has more."""
_NAMES = {"Mac OS X": "macOS", "Chromium OS": "Chrome OS"}
_TYPES = {
    "desktop": {
        "Windows",
        "macOS",
        "Linux",
        "Chrome OS",
        "Ubuntu",
        "Fedora",
        "Debian",
        "FreeBSD",
        "OpenBSD",
        "NetBSD",
    },
    "tv": {
        "Tizen",
        "webOS",
        "tvOS",
        "ATV OS X",
        "Chromecast",
        "Roku",
        "FireOS TV",
        "Android TV",
        "Google TV",
    },
    "watch": {"watchOS", "WearOS"},
}
_TELEVISION = re.compile(r"\bTV\b|SmartTV|SMART-TV|BRAVIA|AFT[A-Z]", re.IGNORECASE)
_NO_MAKER = re.compile(r"generic|spider|other", re.IGNORECASE)
_NO_MODEL = re.compile(r"K|generic.*|smartphone|tablet|other", re.IGNORECASE)


class UserAgentSettings(Settings, frozen=True):
    """None."""


class UserAgent(Enricher[UserAgentSettings]):
    """Add operating system and device, by the user agent.

    `context.os` gets `name` and `version`, `context.device` gets `type` (mobile, tablet, desktop, tv or watch),
    `manufacturer` and `model`, each as far as it is known. Where the browser sent client hints
    (`context.userAgentData`), they come first: what modern browsers write in the user agent itself is frozen.
    Crawlers get no device. The browser itself has no place in `context`, and is left to `context.userAgent`.
    """

    kind = "user_agent"
    reads = ("userAgent", "userAgentData")
    adds = ("os", "device")

    def __init__(self, settings: UserAgentSettings) -> None:
        super().__init__(settings)
        self._parse = Resolver(load_lazy_builtins())

    def add(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """The operating system and the device, as far as they are known."""
        text = _text(given.get("userAgent"))[:LONGEST]
        parsed = self._parse(text, Domain.OS | Domain.DEVICE)
        if parsed.device is not None and parsed.device.family == "Spider":
            return {}
        hints = given.get("userAgentData")
        if isinstance(hints, Mapping) and (platform := _text(hints.get("platform"))):
            name = _NAMES.get(platform, platform)
            version = _hinted_version(name, _text(hints.get("platformVersion")).split("."))
            kind = "mobile" if hints.get("mobile") is True else _type(name, text, parsed.device)
            device = _device(kind, parsed.device, _text(hints.get("model")))
        elif parsed.os is not None:
            name = _NAMES.get(parsed.os.family, parsed.os.family)
            version = _joined(parsed.os.major, parsed.os.minor, parsed.os.patch)
            device = _device(_type(name, text, parsed.device), parsed.device)
        else:
            return {}
        return {"os": _known({"name": name, "version": version}), **({"device": device} if device else {})}


def _hinted_version(name: str, parts: list[str]) -> str | None:
    """The version that people know: browsers count Windows in a way of their own."""
    if not all(part.isdecimal() and len(part) < 10 for part in parts):
        return None
    if name == "Windows":
        if int(parts[0]) == 0:
            return {"1": "7", "2": "8", "3": "8.1"}.get(".".join(parts[1:2]))
        return "11" if int(parts[0]) >= 13 else "10"
    while len(parts) > 1 and int(parts[-1]) == 0:
        parts.pop()
    return ".".join(parts)


def _type(name: str, text: str, device: Device | None) -> str | None:
    for kind, names in _TYPES.items():
        if name in names:
            return kind
    if name == "Android":
        if _TELEVISION.search(text):
            return "tv"
        if not text.startswith("Mozilla/"):  # an app's, which says nothing of the size
            return None
        return "mobile" if "Mobile" in text else "tablet"
    if name == "iOS":
        return "tablet" if device is not None and device.family == "iPad" else "mobile"
    return None


def _device(kind: str | None, parsed: Device | None, model: str = "") -> dict[str, str]:
    """What is known of the device; what stands for "some device" is not."""
    maker = parsed.brand if parsed is not None else None
    if not model and parsed is not None and not _NO_MODEL.fullmatch(parsed.model or ""):
        model = parsed.model or ""
    return _known(
        {"type": kind, "manufacturer": None if _NO_MAKER.match(maker or "") else maker, "model": model}
    )


def _joined(*parts: str | None) -> str:
    return ".".join(takewhile(bool, map(_text, parts)))


def _known(members: Mapping[str, str | None]) -> dict[str, str]:
    return {key: value for key, value in members.items() if value}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


@hookimpl
def register_enrichments() -> list[type[Enricher[UserAgentSettings]]]:
    """Offer the enrichment."""
    return [UserAgent]
