"""Asks Segment's own packages what they make of FQL and of triggers: many questions, one process."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).with_name("node") / "languages.mjs"


def ask(kind: str, asked: Sequence[Any]) -> list[Any]:
    """The answers to questions of one kind (node/languages.mjs); a refusal is an object with `refused`."""
    lines = "".join(json.dumps({kind: one}) + "\n" for one in asked)
    done = subprocess.run(
        ["node", str(SCRIPT)], input=lines, capture_output=True, text=True, timeout=100, check=True
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(asked)
    return answers


def is_refusal(answer: Any) -> bool:
    """Whether an answer says that the text cannot be read."""
    return isinstance(answer, dict) and "refused" in answer
