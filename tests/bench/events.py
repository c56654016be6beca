"""The event that every figure is measured with: an ecommerce order of 984 bytes, each with its own ids."""

import itertools
import uuid
from collections.abc import Iterator

import msgspec

SIZE = 984
_NUMBERS = itertools.count(1)


def ecommerce(number: int | None = None, user: int | None = None) -> bytes:
    """One `Order Completed` as a server SDK sends it: exactly 984 bytes of compact JSON."""
    serial = next(_NUMBERS) if number is None else number
    event = {
        "timestamp": "2026-11-23T10:00:00.000Z",
        "integrations": {},
        "type": "track",
        "userId": f"user-{(serial if user is None else user) % 100_000:06d}",
        "event": "Order Completed",
        "properties": {
            "order_id": f"o-{serial:010d}",
            "affiliation": "Online Store",
            "total": 227.5,
            "subtotal": 222.0,
            "revenue": 225.0,
            "shipping": 3.0,
            "tax": 2.5,
            "currency": "USD",
            "products": [
                {
                    "product_id": f"507f1f77bcf86cd79943901{line}",
                    "sku": f"G-{line:04d}",
                    "name": "Monopoly: Third Edition",
                    "price": 19.99,
                    "quantity": line + 1,
                    "category": "Games",
                }
                for line in range(3)
            ],
        },
        "context": {"library": {"name": "@segment/analytics-node", "version": "3.1.0"}},
        "messageId": f"node-next-1763892000000-{uuid.UUID(int=serial)}",
        "_metadata": {"nodeVersion": "20.20.2", "jsRuntime": "node"},
    }
    encoded = msgspec.json.encode(event)
    event["properties"]["note"] = "x" * (SIZE - len(encoded) - len(',"note":""'))  # type: ignore[index]
    return msgspec.json.encode(event)


def batch(count: int = 100, *, write_key: str = "wk_bench") -> bytes:
    """A batch body of fresh events, as analytics-node frames it."""
    members = b",".join(ecommerce() for _ in range(count))
    return (
        b'{"batch":['
        + members
        + b'],"writeKey":"'
        + write_key.encode()
        + b'","sentAt":"2026-11-23T10:00:01.000Z"}'
    )


def batches(count: int, size: int = 100) -> Iterator[bytes]:
    """`count` batch bodies, all different."""
    return (batch(size) for _ in range(count))


def browser_context(visitor: int, path: str) -> bytes:
    """The context that analytics.js sends, of one of many visitors on one page."""
    versions = (
        f"Chrome/{100 + visitor % 40}.0.0.0 Safari/537.36",
        f"Version/{10 + visitor % 8}.1 Safari/605.1.15",
    )
    return msgspec.json.encode(
        {
            "page": {
                "path": path,
                "referrer": "https://www.google.com/",
                "search": "?utm_source=mail&utm_campaign=may",
                "title": "Pricing",
                "url": f"https://acme.test{path}?utm_source=mail&utm_campaign=may",
            },
            "ip": f"8.{visitor % 200}.8.{visitor % 250}",
            "userAgent": f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
            f"{versions[visitor % 2]}",
            "locale": "en-US",
            "library": {"name": "analytics.js", "version": "next-1.84.3"},
            "timezone": "Europe/Berlin",
        }
    )


def browser(count: int) -> bytes:
    """A batch of ecommerce events as browsers send them: each from one of 500 visitors, on one of 200 pages."""
    members = []
    for _ in range(count):
        event = msgspec.json.decode(ecommerce(), type=dict[str, msgspec.Raw])
        serial = next(_NUMBERS)
        event["context"] = msgspec.Raw(browser_context(serial * 7919 % 500, f"/p/{serial * 104729 % 200}"))
        members.append(msgspec.json.encode(event))
    return (
        b'{"batch":[' + b",".join(members) + b'],"writeKey":"wk_bench","sentAt":"2026-11-23T10:00:01.000Z"}'
    )
