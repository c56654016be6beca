"""Dead letters in words."""

import json
from collections.abc import Sequence

from router.admin.dead import Letters
from router.cli import output
from router.cli.moment import shown
from router.ingestion.webhook_rows import source_of
from router.storage.dead_letters import LetterLine
from router.storage.letters import DeadLetter

_HEADS = ("id", "died", "destination", "reason", "tries", "event", "user", "message id")
_LONGEST = 40


def show_page(page: Letters) -> None:
    """Write a table of letters, and how many more there are."""
    if not page.lines:
        output.line("There are no dead letters." if not page.total else "There are no more.")
        return
    output.table(_HEADS, [_cells(line) for line in page.lines])
    if page.total > len(page.lines):
        output.line(f"\n{len(page.lines)} of {page.total}; `--limit` shows more, `--beyond ID` goes on.")


def show_letter(letter: DeadLetter) -> None:
    """Write one letter with everything that is known of it."""
    facts = {
        "destination": letter.destination,
        "reason": letter.reason,
        "tries": str(letter.attempts),
        "first try": shown(letter.first_tried_at),
        "died": shown(letter.died_at),
        "source": letter.source or "(not kept)",
        "message id": letter.message_id,
    }
    if letter.position >= 0:
        facts["position"] = str(letter.position)
    output.line(f"Dead letter {letter.id}")
    for name, value in facts.items():
        output.line(f"  {name:<12} {output.printable(value)}")
    is_hook = source_of(letter.destination) is not None
    _block("Body" if is_hook else "Event", _pretty(letter.event))
    if letter.request:
        _block("Request", letter.request)
    if letter.answer:
        _block("Error" if letter.position < 0 else "Answer", letter.answer)
    output.line(
        f"\n`router dead retry {letter.id}` sends it again, `router dead drop {letter.id}` forgets it."
    )


def _cells(line: LetterLine) -> Sequence[str]:
    return [
        str(line.id), shown(line.died_at), line.destination, line.reason, str(line.attempts),
        _cut(line.event), _cut(line.user), line.message_id,
    ]  # fmt: skip


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _block(name: str, text: str) -> None:
    output.line(f"\n{name}")
    for line in text.strip().splitlines():
        output.line(f"  {output.printable(line)}")


def _pretty(event: bytes) -> str:
    try:
        return json.dumps(json.loads(event), indent=2, ensure_ascii=False)
    except ValueError:
        return event.decode("utf-8", "replace")
