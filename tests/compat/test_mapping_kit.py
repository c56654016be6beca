"""The mapping kit of @segment/actions-core 3.170.0, unmodified, and ours make the same of the same events."""

import asyncio
import json
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec import UNSET

from router.rules.mapping.compiler import compile_mapping
from router.rules.mapping.failed import MappingFailed
from router.rules.mapping.refused import MappingRefused
from tests.compat import mappings
from tests.compat.peers import needs_node

SCRIPT = Path(__file__).with_name("node") / "mapping_kit.mjs"
SECONDS = 60

pytestmark = [pytest.mark.peer, pytest.mark.slow, needs_node]


def rereads(mapping: Any) -> bool:
    """Whether the package may read what an event says as a template: our one difference that is met by chance.

    The differences are listed in `router/rules/mapping`. The script makes one of our choices too (JSON in texts), and
    the generator makes nothing of what we refuse and the package does not.
    """
    return "{{{" in json.dumps(mapping)


async def theirs(cases: Iterable[tuple[Any, Any]]) -> list[Any]:
    """What the package makes of each mapping and event."""
    process = await asyncio.create_subprocess_exec(
        "node",
        str(SCRIPT),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    lines = "".join(json.dumps(case) + "\n" for case in cases)
    try:
        out, err = await asyncio.wait_for(process.communicate(lines.encode()), SECONDS)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, err.decode()
    return [json.loads(line) for line in out.splitlines()]


def ours(mapping: Any, event: Any) -> Any:
    """What we make of them; a refusal of the mapping is a failure of its own kind."""
    try:
        made = compile_mapping(mapping)(event)
    except MappingRefused as error:
        return {"refused": str(error)}
    except MappingFailed as error:
        return {"error": str(error)}
    return {"undefined": True} if made is UNSET else {"value": made}


def is_same(one: Any, other: Any) -> bool:
    """Whether two answers say the same; texts that are JSON may have their members in another order."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    if isinstance(one, str) and isinstance(other, str) and one != other:
        try:
            return bool(json.loads(one) == json.loads(other))
        except ValueError:
            return False
    return isinstance(one, bool) == isinstance(other, bool) and one == other


async def test_protocols_21_generated_mappings_make_the_same_of_generated_events() -> None:
    random = Random("mappings")
    cases = [(mappings.mapping(random), mappings.event(random)) for _ in range(4_000)]

    answers = await theirs(cases)

    assert len(answers) == len(cases)
    wrong, reread = [], 0
    for (mapping, event), answer in zip(cases, answers, strict=True):
        mine = ours(mapping, event)
        if "error" in answer and "error" in mine:
            continue
        if not is_same(json.loads(json.dumps(mine)), answer):
            if rereads(mapping):
                reread += 1
            else:
                wrong.append((mapping, event, mine, answer))
    assert not wrong, f"{len(wrong)} differ; the shortest:\n{min(map(repr, wrong), key=len)}"
    assert reread < len(cases) // 100


async def test_protocols_22_a_mapping_that_the_package_refuses_is_refused_when_it_is_read() -> None:
    random = Random("broken")
    cases = [(mappings.broken(random), {"a": "x", "b": 1}) for _ in range(400)]

    answers = await theirs(cases)

    assert all("error" in answer for answer in answers)
    assert all("refused" in ours(*case) for case in cases)
