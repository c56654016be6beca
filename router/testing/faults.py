"""Ready rules for FakeHttp: a limit, a service that fails now and then, and one that wants a fresh token.

service.rule = first_of(TokenEndpoint("/oauth/token"), rate_limited(10, per=60, clock=clock))
"""

import math
from collections.abc import Callable

import msgspec

from router.delivery.clock import Clock
from router.testing.fake_http import Received, Reply, Rule


def first_of(*rules: Rule) -> Rule:
    """The first of several rules that has something to say."""

    def rule(received: Received) -> Reply | None:
        return next((reply for one in rules if (reply := one(received)) is not None), None)

    return rule


def flaky(every: int, reply: Reply | int = 503, *, about: Callable[[Received], bool] | None = None) -> Rule:
    """Fail each n-th request (of those that `about` is true for) with `reply`."""
    count = 0
    failing = Reply(status=reply) if isinstance(reply, int) else reply

    def rule(received: Received) -> Reply | None:
        nonlocal count
        if about is not None and not about(received):
            return None
        count += 1
        return failing if count % every == 0 else None

    return rule


def rate_limited(requests: int, *, per: float, clock: Clock) -> Rule:
    """Take so many requests in each window of `per` seconds; answer 429 with the rest of the window to others."""
    window, used = -1, 0

    def rule(received: Received) -> Reply | None:
        nonlocal window, used
        now = clock.monotonic()
        if (current := int(now // per)) != window:
            window, used = current, 0
        used += 1
        if used <= requests:
            return None
        return Reply(status=429, headers={"Retry-After": str(math.ceil((window + 1) * per - now))})

    return rule


class TokenEndpoint:
    """An OAuth server at `path` and the service behind it: 401 to every request without the newest token."""

    def __init__(self, path: str = "/token", *, seconds: int = 3600) -> None:
        self._path = path
        self._seconds = seconds
        self.issued = 0
        """How many tokens were asked for; the n-th is `token-n`."""
        self._is_valid = False

    def revoke(self) -> None:
        """Accept no token that was issued so far."""
        self._is_valid = False

    def __call__(self, received: Received) -> Reply | None:
        """The rule."""
        if received.path.partition("?")[0] == self._path:
            self.issued += 1
            self._is_valid = True
            token = {
                "access_token": f"token-{self.issued}",
                "token_type": "Bearer",
                "expires_in": self._seconds,
            }
            return Reply(body=msgspec.json.encode(token), headers={"Content-Type": "application/json"})
        has_it = received.headers.get("authorization") == f"Bearer token-{self.issued}"
        return None if has_it and self._is_valid else Reply(status=401)
