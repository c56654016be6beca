"""Opens many idle connections to a router and prints how many there were and what each of them cost in bytes.

A program of its own: it raises the limit of open files, and its memory is that of the router.
"""

import asyncio
import resource
import socket
from pathlib import Path

from router.testing.running import running
from tests.flow.tracking.client import ask, track

WANTED = 10_000
SPARE = 200
"""Files that the router itself may have open."""


def resident_bytes() -> int:
    """Memory of this process that is in use."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


async def main() -> None:
    """Connect, measure, and check that a call still goes through."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = min(most, 2 * WANTED + SPARE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))
    count = min(WANTED, (allowed - SPARE) // 2)
    loop = asyncio.get_running_loop()
    async with running() as rig:
        await ask(rig, "/v1/track", track())
        before = resident_bytes()
        crowd = []
        for _ in range(count):
            plug = socket.socket()
            plug.setblocking(False)
            await loop.sock_connect(plug, ("127.0.0.1", rig.port))
            crowd.append(plug)
        reply = await ask(rig, "/v1/track", track())
        await rig.drained()
        cost = (resident_bytes() - before) // count
        for plug in crowd:
            plug.close()
        print(count, cost, reply.status, len(rig.delivered))


if __name__ == "__main__":
    asyncio.run(main())
