"""Exchanges kept as readable JSON beside the test: what was sent is compared with what was sent when it was recorded.

    def test_an_order_is_sent(recorded):
        recorded(exchange(Chat, [track("Order Completed")]))

`pytest --record` writes `recorded/TEST FILE.TEST.json`; look at it, and commit it. Secrets stand in it as `***`.
"""

import difflib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from router.plugins.request import Answer
from router.testing.exchanging import Exchange, readable, shown

FOLDER = "recorded"
HIDDEN = "***"
_NEVER_SHOWN = frozenset({"authorization", "cookie", "proxy-authorization"})


class Recorder:
    """Compares the exchanges of one test with its file, or writes the file."""

    def __init__(self, test_file: Path, test: str, *, writes: bool) -> None:
        name = re.sub(r"[^\w.-]+", "-", test).strip("-")
        self._file = test_file.parent / FOLDER / f"{test_file.stem}.{name}.json"
        self._writes = writes
        self._said: list[Any] = []

    def __call__(self, exchange: Exchange) -> None:
        """Take in an exchange; it must be as it was, or is recorded at the end of the test."""
        self._said.append(_told(exchange))
        if self._writes:
            return
        kept = self._read()
        number = len(self._said) - 1
        if number >= len(kept):
            raise AssertionError(f"{self._file} holds {len(kept)} exchanges, not {number + 1}; {_REMEDY}")
        if self._said[number] != kept[number]:
            lines = difflib.unified_diff(
                _text(kept[number]).splitlines(),
                _text(self._said[number]).splitlines(),
                "recorded",
                "now",
                lineterm="",
            )
            raise AssertionError("\n".join([f"this is not what {self._file} holds; {_REMEDY}", *lines]))

    def finish(self) -> None:
        """Write what was said; or see that all of the file was said."""
        if not self._said:
            return
        if self._writes:
            self._file.parent.mkdir(exist_ok=True)
            self._file.write_text(_text(self._said) + "\n", encoding="utf-8")
        elif (kept := len(self._read())) != len(self._said):
            raise AssertionError(f"{self._file} holds {kept} exchanges, not {len(self._said)}; {_REMEDY}")

    def _read(self) -> list[Any]:
        try:
            found: list[Any] = json.loads(self._file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise AssertionError(f"there is no {self._file}; {_REMEDY}") from None
        except ValueError as error:
            raise AssertionError(f"{self._file} is not JSON ({error}); {_REMEDY}") from None
        return found


_REMEDY = "if this is as it should be, run pytest with --record and look at the file"


def _told(exchange: Exchange) -> dict[str, Any]:
    told = {
        "events": [json.loads(event.json) for event in exchange.events],
        "steps": list(_steps(exchange)),
        "outcomes": [" ".join(filter(None, (one.verdict, one.reason))) for one in exchange.outcomes],
    }
    hidden: dict[str, Any] = _hidden(told, exchange)
    return hidden


def _hidden(value: Any, exchange: Exchange) -> Any:
    """The value with `***` for secrets, wherever they stand."""
    if isinstance(value, str):
        return exchange.hide(value)
    if isinstance(value, dict):
        return {
            exchange.hide(key): HIDDEN if key.lower() in _NEVER_SHOWN else _hidden(member, exchange)
            for key, member in value.items()
        }
    return [_hidden(member, exchange) for member in value] if isinstance(value, list) else value


def _steps(exchange: Exchange) -> Iterator[dict[str, Any]]:
    for request, answer, events in zip(exchange.requests, exchange.answers, exchange.settled, strict=True):
        ids = [event.message_id for event in events]
        yield {"request": shown(request), "about": ids, "answer": _answer(answer)}


def _answer(answer: Answer | Exception) -> Any:
    if isinstance(answer, Exception):
        return repr(answer)
    found: dict[str, Any] = {"status": answer.status}
    if answer.headers:
        found["headers"] = dict(answer.headers)
    if answer.body:
        found["body"] = readable(answer.body)
    return found


def _text(said: Any) -> str:
    return json.dumps(said, indent=2, ensure_ascii=False)
