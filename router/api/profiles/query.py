"""What a request of the Profile API asks for: its path taken apart, its parameters checked."""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl, unquote

from router.api.profiles.refused import INVALID, WRONG_VALUE, ProfileRequestRefused
from router.events.times import parse_instant
from router.storage.profile import COLLECTIONS, Collection

MOST_PARAMETERS = 50
_BROKEN = re.compile("%(?![0-9A-Fa-f]{2})")
_NUMBER = re.compile("[0-9]{1,9}")


class Query:
    """The parameters of a request; unknown ones mean nothing, and of one that comes twice the last counts."""

    def __init__(self, query: str) -> None:
        """`query` is what stands behind the question mark. Raises ProfileRequestRefused."""
        if _BROKEN.search(query):
            raise ProfileRequestRefused(400, INVALID, "the query is not percent-encoded as it must be")
        try:
            pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS)
        except ValueError:  # no UTF-8, or too many
            what = f"the query is no UTF-8 text, or has over {MOST_PARAMETERS} parameters"
            raise ProfileRequestRefused(400, INVALID, what) from None
        self.given: Mapping[str, str] = dict(pairs)

    def limit(self, default: int, most: int) -> int:
        """How many entries a page has."""
        text = self.given.get("limit", "")
        if not text:
            return default
        if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= most:
            raise _wrong("limit", f"a whole number from 1 to {most}")
        return int(text)

    def names(self, name: str) -> Sequence[str] | None:
        """A list that is parted by commas; None when the parameter is missing or empty."""
        text = self.given.get(name, "")
        return [one.strip() for one in text.split(",") if one.strip()] or None

    def flag(self, name: str) -> bool:
        """`true` or `false`; false when it is missing."""
        return self.choice(name, "false", "true") == "true"

    def choice(self, name: str, default: str, *others: str) -> str:
        """One of some words."""
        text = self.given.get(name, "") or default
        if text not in (default, *others):
            raise _wrong(name, " or ".join(one for one in (default, *others) if one))
        return text

    def moment(self, name: str) -> int | None:
        """A time in ISO 8601, as milliseconds; None when it is missing."""
        text = self.given.get(name, "")
        if not text:
            return None
        found = parse_instant(text)
        if found is None:
            raise _wrong(name, "a time such as 2030-03-17T12:00:00Z")
        return found


def decoded(segment: str) -> str:
    """A segment of the path; `+` is a plus sign there. Raises ProfileRequestRefused."""
    if _BROKEN.search(segment):
        raise ProfileRequestRefused(400, INVALID, "the path is not percent-encoded as it must be")
    try:
        return unquote(segment, errors="strict")
    except UnicodeDecodeError:
        raise ProfileRequestRefused(400, INVALID, "the path is no UTF-8 text") from None


def collection_named(name: str) -> Collection:
    """One of the two collections. Raises ProfileRequestRefused."""
    for one in COLLECTIONS:
        if name == one:
            return one
    if not name.isascii() or not name.replace("_", "").replace("-", "").isalnum():
        raise ProfileRequestRefused(400, INVALID, "the collection has characters that none can have")
    raise ProfileRequestRefused(404, "not_found", "there is no such collection; there are users and accounts")


def _wrong(name: str, remedy: str) -> ProfileRequestRefused:
    return ProfileRequestRefused(400, WRONG_VALUE, f"{name} must be {remedy}")
