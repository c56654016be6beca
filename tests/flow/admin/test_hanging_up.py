"""Who asks the admin door and hangs up, or is hung up on, before the answer comes, harms nothing."""

import asyncio
import gc
import socket
from pathlib import Path
from typing import Any

import msgspec
import pytest
import uvloop

from router.admin.address import socket_path
from router.admin.door import AdminDoor
from router.admin.profile_changes import CHANGES, AskChanges, answer_changes
from router.admin.verbs import Desk, Question
from router.storage.follower import Stream
from router.storage.memory.store import MemoryStorage
from router.storage.profile_follower import ProfileLog
from router.storage.segment import decode_segment
from router.telemetry.signals import Signals


@pytest.mark.parametrize("who", ["who asked", "the door"])
def test_on_the_loop_of_router_run(tmp_path: Path, who: str) -> None:
    """Its transports refuse to be written to once they are closed."""
    faults: list[dict[str, Any]] = []

    async def hang_up() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, fault: faults.append(fault))
        storage = MemoryStorage()
        log, desk, asked = ProfileLog(storage.profiles), Desk(), asyncio.Event()
        answer_changes(desk, log)
        path = socket_path(str(tmp_path / "router.db"))
        stream = Stream(storage.read_stream, decode_segment, head=0, tail_bytes=0, cache_bytes=0)
        door = AdminDoor(path, desk, stream=stream, signals=Signals())
        await door.start()
        real = log.wait_beyond

        async def wait_beyond(number: int) -> None:
            asked.set()
            await real(number)

        log.wait_beyond = wait_beyond  # type: ignore[method-assign]
        asking = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        asking.connect(str(path))
        about = msgspec.Raw(msgspec.json.encode(AskChanges(0, seconds=0.05)))
        asking.sendall(msgspec.json.encode(Question(CHANGES.name, about)) + b"\n")
        await asyncio.wait_for(asked.wait(), 10)
        if who == "who asked":
            asking.close()
            await asyncio.wait_for(door._all_ended.wait(), 10)
        await door.stop()
        asking.close()
        await asyncio.sleep(0)
        gc.collect()  # only then is a task's error told that nobody asked for

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(hang_up())

    assert faults == []
