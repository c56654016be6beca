"""Matchers: which fields probably hold personal data, by their name or by their value (privacy 1.1, 1.2)."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from msgspec import Struct

from router.rules.privacy.similarity import LONGEST as LONGEST_NAME
from router.rules.privacy.similarity import Terms
from router.rules.privacy.values import LONGEST, PATTERNS, is_ordinary

Colour = Literal["red", "yellow"]
"""What a matcher recommends; green is for people to say."""
MOST_MATCHERS = 100
"""Matchers of one's own."""
FIELDS_REMEMBERED = 8192


class Hit(Struct, frozen=True):
    """Why a field is thought to hold personal data."""

    matcher: str
    colour: Colour
    how: Literal["name", "similar name", "value"]


class Matcher(Struct, frozen=True):
    """One rule."""

    name: str
    """Itself a term, where names are looked at."""
    colour: Colour
    terms: tuple[str, ...] = ()
    """Names of fields that it means, besides its own."""
    is_exact: bool = False
    """Whether names must be the same, but for case and signs; else alike is enough."""
    looks_at_names: bool = True
    pattern: Callable[[str], bool] | None = None
    """What a value looks like."""


def _default(colour: Colour, name: str, *terms: str, is_exact: bool = False) -> Matcher:
    return Matcher(name, colour, terms, is_exact, pattern=PATTERNS.get(name))


DEFAULT_MATCHERS: tuple[Matcher, ...] = (
    _default("red", "social security number", "ssn", "national id", "nino", "dni", "cpf"),
    _default("red", "credit card", "ccn", "card number"),
    _default("red", "iban", "bank account"),
    _default("red", "password", "passwd", "pwd"),
    *(_default("red", name) for name in ("visa", "veteran", "disability", "passport", "token")),
    _default("yellow", "email", "e-mail"),
    _default("yellow", "phone", "mobile", "cell"),
    _default("yellow", "ip", "ip_address", is_exact=True),
    _default("yellow", "mac", "mac_address", is_exact=True),
    _default("yellow", "birthdate", "birthday", "date of birth", "dob"),
    _default("yellow", "zipcode", "zip", "postal code", "postcode"),
    *(
        _default("yellow", name)
        for name in (
            *(
                "race",
                "address",
                "gender",
                "ethnicity",
                "citizenship",
                "name",
                "street",
                "city",
                "certificate",
            ),
            *(
                "license",
                "identification",
                "serial",
                "photo",
                "salary",
                "religion",
                "sex",
                "sexual orientation",
            ),
            *("medication", "allergy", "condition", "diagnosis", "procedure"),
        )
    ),
)
"""What Segment looks for, and account numbers; one of your own with the same name takes its place."""


class Detector:
    """All matchers together."""

    def __init__(self, custom: Iterable[Matcher] = ()) -> None:
        own = {one.name: one for one in custom}
        matchers = (*own.values(), *(one for one in DEFAULT_MATCHERS if one.name not in own))
        self._usual = tuple(one for one in matchers if one.pattern is PATTERNS.get(one.name, 0))
        self._by_value = tuple(one for one in matchers if one.pattern and one not in self._usual)
        terms = [(term, one) for one in matchers if one.looks_at_names for term in (one.name, *one.terms)]
        self._terms = Terms(term for term, _ in terms)
        self._matcher_of = [one for _, one in terms]
        self._order = {one.name: place for place, one in enumerate(matchers)}
        self._known: dict[str, Hit | None] = {}

    def hit(self, key: str, value: Any) -> Hit | None:
        """The gravest reason to think so: red before yellow, the same name before the value before a name like it."""
        named, valued = self._named(key), self._valued(value) if type(value) is str else None
        if named is None or valued is None:
            return named or valued
        return min(named, valued, key=_gravity)

    def knows(self, key: str) -> bool:
        """Whether the name of a field was compared before, which takes a while."""
        return key[:LONGEST_NAME] in self._known

    def is_email(self, key: str, value: Any) -> bool:
        """Whether a field is an address for mail, which is the same in any case."""
        hit = self.hit(key, value)
        return hit is not None and hit.matcher == "email"

    def _named(self, key: str) -> Hit | None:
        key = key[:LONGEST_NAME]  # nothing behind that is compared, and clients may send names without end
        try:
            return self._known[key]
        except KeyError:
            if len(self._known) >= FIELDS_REMEMBERED:
                self._known.clear()
            hit = self._known[key] = self._compared(key)
            return hit

    def _compared(self, key: str) -> Hit | None:
        of = self._matcher_of
        hits = [Hit(one.name, one.colour, "name") for one in map(of.__getitem__, self._terms.same(key))]
        for number in self._terms.alike(key):
            if not of[number].is_exact:
                hits.append(Hit(of[number].name, of[number].colour, "similar name"))
        return min(hits, key=lambda one: (*_gravity(one), self._order[one.matcher]), default=None)

    def _valued(self, value: str) -> Hit | None:
        if not 4 <= len(value) <= LONGEST:
            return None
        text = value.strip()
        matchers = self._by_value if is_ordinary(text) else (*self._usual, *self._by_value)
        hits = [Hit(one.name, one.colour, "value") for one in matchers if one.pattern and one.pattern(text)]
        return min(hits, key=_gravity, default=None) if hits else None


_HOW: Mapping[str, int] = {"name": 0, "value": 1, "similar name": 2}


def _gravity(hit: Hit) -> tuple[bool, int]:
    return hit.colour != "red", _HOW[hit.how]
