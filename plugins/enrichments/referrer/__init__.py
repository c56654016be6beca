"""Add who sent a visitor: `context.referrer`, by the address that a page was reached from and by click ids."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus, urlsplit

from router import Enricher, Settings, hookimpl

_SECOND_LEVEL = frozenset({"co", "com", "org", "net", "ne", "or", "ac", "edu", "gov"})
LONGEST = 2048
"""Characters of an address or a click id that are looked at."""


class ReferrerSettings(Settings, frozen=True):
    """What is yours."""

    internal: tuple[str, ...] = ()
    """Hosts of your own, with all below them, e.g. ["acme.test"]. The page's own host always is one."""


class Referrer(Enricher[ReferrerSettings]):
    """Add who sent a visitor, by the address that the page was reached from, and by click ids of advertisements.

    `context.referrer` gets `type` (search, social, video, email, ai, ad, internal or link), `name` where it is
    known, `url`, and `id`, the click id, where an advertisement was clicked. A page that was reached directly gets
    nothing.
    """

    kind = "referrer"
    reads = ("page",)
    adds = ("referrer",)

    def __init__(self, settings: ReferrerSettings) -> None:
        super().__init__(settings)
        table = tomllib.loads(Path(__file__).with_name("referrers.toml").read_text("utf-8"))
        self._clicks: dict[str, str] = table.pop("clicks")
        self._hosts = {
            host: (kind, name)
            for kind, names in table.items()
            for name, hosts in names.items()
            for host in hosts
        }

    def add(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """The referrer, where there is one."""
        page = given["page"]
        if not isinstance(page, Mapping):
            return {}
        address, url = _text(page.get("referrer")), _text(page.get("url"))
        found = self._sender(_host(address), _host(url)) if address else {}
        if found.get("type") != "internal":
            query = _text(page.get("search")) or url.partition("#")[0].partition("?")[2]
            found = self._click(query) or found
        if not found:
            return {}
        return {"referrer": {**found, "url": address} if address else found}

    def _sender(self, host: str, own: str) -> dict[str, str]:
        if not host:
            return {}
        if any(_is_below(host, one) for one in (own.removeprefix("www."), *self.settings.internal) if one):
            return {"type": "internal"}
        for candidate in _candidates(host):
            if candidate in self._hosts:
                kind, name = self._hosts[candidate]
                return {"type": kind, "name": name}
        return {"type": "link"}

    def _click(self, query: str) -> dict[str, str]:
        for pair in query.removeprefix("?").split("&"):
            key, _, value = pair.partition("=")
            if value and key in self._clicks:
                return {"type": "ad", "name": self._clicks[key], "id": unquote_plus(value)}
        return {}


def _candidates(host: str) -> Iterator[str]:
    """What may stand in the table for a host: itself and what it lies below, the longest first."""
    labels = host.split(".")
    for start in range(len(labels)):
        rest = labels[start:]
        yield ".".join(rest)
        if len(rest) == 2 or (len(rest) == 3 and rest[1] in _SECOND_LEVEL and len(rest[2]) == 2):
            yield f"{rest[0]}.*"


def _is_below(host: str, other: str) -> bool:
    return host == other or host.endswith(f".{other}")


def _host(address: str) -> str:
    try:
        return (urlsplit(address).hostname or "").rstrip(".")
    except ValueError:
        return ""


def _text(value: object) -> str:
    return value[:LONGEST] if isinstance(value, str) else ""


@hookimpl
def register_enrichments() -> list[type[Enricher[ReferrerSettings]]]:
    """Offer the enrichment."""
    return [Referrer]
