"""The router's side of the admin door: answers questions in JSON, one line each, to the owner of the store only.

A connection sends one question, `{"ask": "overview"}`, and gets one line; `{"ask": "tap", …}` gets lines until it
hangs up. What can be asked is the desk's (`router.admin.verbs`); the door only carries it. The socket file is made
anew at each start: the router that holds the store is the only one who may own it, so a file that a killed process
left behind is in nobody's use.
"""

import asyncio
import socket
import stat
from pathlib import Path

import msgspec

from router.admin.address import usable
from router.admin.tap import Listener, Wanted
from router.admin.verbs import Desk, Question
from router.errors import RouterError, StorageError
from router.storage.follower import Follower, Stream
from router.telemetry.signals import Signals

_LONGEST_QUESTION = 64 << 10
_SECONDS_TO_ASK = 10.0
_SECONDS_TO_END = 2.0


class AdminDoor:
    """Listens on the socket; `start` when the store is open and the stream can be read, `stop` before they close."""

    def __init__(
        self,
        path: Path,
        desk: Desk,
        *,
        stream: Stream,
        signals: Signals,
    ) -> None:
        self._path = path
        self._desk = desk
        self._stream = stream
        self._signals = signals
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._all_ended = asyncio.Event()

    async def start(self) -> None:
        """Listen, in the place of whatever socket file is there; raises OSError."""
        listening = _listen(self._path)
        self._server = await asyncio.start_unix_server(self._serve, sock=listening, limit=_LONGEST_QUESTION)

    async def stop(self) -> None:
        """Hang up on everybody and take the socket file away."""
        if self._server is None:
            return
        self._server.close()
        for writer in self._open:
            writer.transport.abort()
        if self._open:
            self._all_ended.clear()
            try:
                await asyncio.wait_for(self._all_ended.wait(), _SECONDS_TO_END)
            except TimeoutError:
                pass  # they end with the loop; nothing of theirs is worth waiting for
        self._server = None
        self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            await self._answer(reader, writer)
        except (ConnectionError, TimeoutError):
            pass  # whoever asked is gone
        finally:
            writer.close()
            self._open.discard(writer)
            if not self._open:
                self._all_ended.set()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_SECONDS_TO_ASK):
                question = msgspec.json.decode(await reader.readline(), type=Question)
            if question.ask == "tap":
                wanted = msgspec.json.decode(question.about, type=Wanted)
                await self._tap(wanted, reader, writer)
                return
            answer = await self._desk.answer(question)
        except (ValueError, RouterError) as error:  # a line that is too long is a ValueError too
            answer = {"error": str(error)}
        if writer.is_closing():  # who asked did not wait for the answer
            return
        writer.write(msgspec.json.encode(answer) + b"\n")
        await writer.drain()

    async def _tap(self, wanted: Wanted, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Send lines until the other side hangs up."""
        listener = Listener(wanted)
        end = self._signals.observe(listener.signal)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._follow(listener)),
                    group.create_task(_send(listener, writer)),
                ]
                writer.write(b'{"what":"listening"}\n')
                await reader.read()  # returns when the other side hangs up
                for task in tasks:
                    task.cancel()
        except* (ConnectionError, StorageError):
            pass  # the listener is gone, or the store is closing
        finally:
            end()

    async def _follow(self, listener: Listener) -> None:
        follower = Follower(self._stream, self._stream.head)
        while True:
            listener.events((await follower.read()).envelopes)
            await asyncio.sleep(0)


async def _send(listener: Listener, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(await listener.take())
        await writer.drain()


def _listen(path: Path) -> socket.socket:
    """A listening socket at `path` that only its owner may use, from the first moment on."""
    if path.exists() or path.is_symlink():
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise FileExistsError(f"{path} is in the way of the admin door and is no socket; move it away")
        path.unlink()
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with usable(path) as name:
            listening.bind(name)
        path.chmod(0o600)  # nobody can connect before listen
        listening.listen(16)
        listening.setblocking(False)
    except OSError:
        listening.close()
        raise
    return listening
