"""Makes FQL, triggers and events by chance; the same chance every time."""

from random import Random
from typing import Any

WORDS = ("Order Completed", "order", "Z", "", "x", "a/b", "*", "5", "1.2.3", "true", "null", "Århus")
GLOBS = (
    "Order*",
    "*ed",
    "*d*C*",
    "?",
    "[a-z]",
    "[^a-m]*",
    "\\*",
    "a/?",
    "*",
    "",
    "[",
    "a[b-",
    "[z-a]",
    "[]a]",
    "*[0-9].?*",
)
PATHS = (
    "event",
    "userId",
    "properties.a",
    "properties.b",
    "properties.o.x",
    "traits.my\\ key",
    "context.page.url",
    "none",
)
SCALARS = (None, True, False, 0, 1, 5, -2.5, 1e21, *WORDS)


class Maker:
    """Texts of both languages, and events for them."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def event(self) -> dict[str, Any]:
        """An event in which the usual fields are there or not, with values of any type."""
        event: dict[str, Any] = {"type": self._one("track", "page", "identify")}
        for name in ("event", "name", "userId"):
            if self.random.random() < 0.7:
                event[name] = self._one(*WORDS)
        for name in ("properties", "traits", "context"):
            if self.random.random() < 0.8:
                event[name] = {
                    "a": self.value(),
                    "b": self.value(),
                    "o": {"x": self.value()},
                    "my key": self.value(),
                    "page": {"url": self.value()},
                }
                event[name].pop(self._one(*event[name]))
        return event

    def value(self) -> Any:
        """Any JSON value, mostly a scalar."""
        return self._one(*SCALARS, self._one([], ["a", 1, None], [True], {}, {"x": 1}, {"x": 0, "a": "b"}))

    def expression(self, depth: int = 3) -> str:
        """FQL whose meaning @segment/tsub can work out too: tests/compat/differences.py says where it cannot."""
        match self.random.randrange(10 if depth else 6):
            case 6 | 7:
                terms = [self.expression(depth - 1) for _ in range(self.random.randint(2, 4))]
                return f" {self._one('and', 'or')} ".join(f"({term})" for term in terms)
            case 8:
                return f"!({self.expression(depth - 1)})"
            case 9:
                return " and ".join(self.expression(0) for _ in range(2)) + f" or {self.expression(0)}"
            case 0:
                return self._one("", "!") + self._call_for_bool()
            case 1:
                return self._one("", "!") + self._path()
            case 2:
                return f"{self._path()} in [{', '.join(self.literal() for _ in range(self.random.randint(1, 4)))}]"
            case 3:
                return f"{self._call_for_value()} {self._sign()} {self.literal()}"
            case _:
                sides = [self._path(), self._one(self.literal(), self.literal(), self._path())]
                if self.random.random() < 0.2:
                    sides.reverse()
                return f" {self._sign()} ".join(sides)

    def literal(self) -> str:
        """A value written out."""
        value = self._one(*SCALARS[:7], *WORDS)
        match value:
            case None:
                return "null"
            case bool():
                return str(value).lower()
            case str():
                return f"{value!r}" if self.random.random() < 0.5 else f'"{value}"'
        return str(value)

    def trigger(self) -> str:
        """A trigger of the accepted language."""
        terms = [
            self._one(self._condition(), self._condition(), f"({self._conditions()})")
            for _ in range(self.random.randint(1, 3))
        ]
        return self._joined(terms)

    def soup(self, pieces: tuple[str, ...], most: int = 8) -> str:
        """Pieces in any order, with or without space between them."""
        chosen = [self._one(*pieces) for _ in range(self.random.randint(1, most))]
        return "".join(piece + self._one("", "", " ") for piece in chosen)

    def broken(self, text: str) -> str:
        """The text with one place changed."""
        at = self.random.randrange(len(text) + 1)
        until = self.random.randint(at, min(len(text), at + 4))
        return (
            text[:at]
            + self._one("", " ", "(", ")", '"', "'", "!", " and ", " or ", ".", "null", "5", ",")
            + text[until:]
        )

    def _conditions(self) -> str:
        return self._joined([self._condition() for _ in range(self.random.randint(1, 3))])

    def _joined(self, terms: list[str]) -> str:
        text = terms[0]
        for term in terms[1:]:
            text += f" {self._one('and', 'or')} {term}"
        return text

    def _condition(self) -> str:
        member = self._one("properties.", "traits.", "context.") + self._one(
            "a", "b", "o.x", "a.x", "my\\ key", "page.url", "a\\[0\\]", "a.length"
        )
        match self.random.randrange(7):
            case 0:
                return f'type {self._one("=", "!=")} "{self._one("track", "page")}"'
            case 1:
                return f'{self._one("event", "name", "userId")} {self._sign()} "{self._one(*WORDS)}"'
            case 2:
                field = self._one("event", "name", "userId", member, member)
                pattern = self._one("{}*", "*{}").format(self._one(*WORDS).replace("*", "s"))
                return f'{self._one("", "!")}match({field}, "{pattern}")'
            case 3:
                field = self._one("event", "name", "userId", member, member)
                return f'{self._one("", "!")}contains({field}, "{self._one(*WORDS)}")'
            case 4:
                return f"{self._one('name', 'userId', member, member)} {self._one('=', '!=')} null"
            case 5:
                return f"{self._one('userId', member, member)} = {self._one('true', 'false')}"
            case _:
                return f"{member} {self._sign()} {self._one('5', '0', '-2.5', '1.0', '+1', self._quoted())}"

    def _quoted(self) -> str:
        return f'"{self._one(*WORDS)}"'

    def _call_for_bool(self) -> str:
        path = self._path()
        match self.random.randrange(4):
            case 0:
                sign = self._one("=", "!=", "<", "<=", ">", ">=")
                return f"semver({path}, '{sign}', '{self._one('1.2', '2', '1.2.3', 'x', '1.2.3.4', ' 1.2.3-b')}')"
            case 1:
                return f"contains({path}, {self.literal()})"
            case _:
                return f"match({path}, '{self._one(*GLOBS)}')"

    def _call_for_value(self) -> str:
        return f"{self._one('length', 'lowercase')}({self._path()})"

    def _path(self) -> str:
        return self._one(*PATHS)

    def _sign(self) -> str:
        return self._one("=", "!=", "<", "<=", ">", ">=")

    def _one(self, *choices: Any) -> Any:
        return self.random.choice(choices)
