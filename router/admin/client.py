"""The commands' side of the admin door; plain blocking calls, for a process that does nothing else meanwhile."""

import json
import socket
from collections.abc import Iterator

import msgspec
from msgspec import Raw

from router.admin.address import socket_path, usable
from router.admin.tap import Line, Wanted
from router.admin.verbs import AnswerT, ArgumentsT, Question, Verb
from router.errors import RouterError

_SECONDS = 10.0


class AdminClient:
    """Asks the router that owns the store at `store`, if one runs."""

    def __init__(self, store: str, *, seconds: float = _SECONDS) -> None:
        """`seconds` is how long an answer may take."""
        self._store = store
        self._seconds = seconds

    def ask(self, verb: Verb[ArgumentsT, AnswerT], arguments: ArgumentsT) -> AnswerT | None:
        """The running router's answer; None when none runs. Raises RouterError when it refuses."""
        asking = self._ask(Question(verb.name, Raw(msgspec.json.encode(arguments))))
        if asking is None:
            return None
        with asking:
            answer: AnswerT = msgspec.json.decode(_checked(next(_lines(asking), b"")), type=verb.answer)
            return answer

    def tap(self, wanted: Wanted) -> Iterator[Line] | None:
        """Lines of the live view as they come, until the router stops; None when none runs."""
        answer = self._ask(Question("tap", Raw(msgspec.json.encode(wanted))))
        if answer is None:
            return None
        answer.settimeout(None)
        return _decoded(answer)

    def _ask(self, question: Question) -> socket.socket | None:
        path = socket_path(self._store)
        asking = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        asking.settimeout(self._seconds)
        try:
            with usable(path) as name:
                asking.connect(name)
            asking.sendall(msgspec.json.encode(question) + b"\n")
        except PermissionError:
            asking.close()
            remedy = "run the command as the user who runs the router"
            raise RouterError(f"{path} belongs to another user; {remedy}") from None
        except OSError:  # no file, or one that a killed router left behind
            asking.close()
            return None
        return asking


def _decoded(answer: socket.socket) -> Iterator[Line]:
    with answer:
        for line in _lines(answer):
            yield msgspec.json.decode(_checked(line), type=Line)


def _lines(answer: socket.socket) -> Iterator[bytes]:
    with answer.makefile("rb") as file:
        try:
            yield from file
        except ConnectionError:  # it was killed: there is no more
            return
        except TimeoutError:
            seconds = answer.gettimeout() or 0
            raise RouterError(
                f"the router does not answer within {seconds:.0f} s; it hangs, or is too busy"
            ) from None


def _checked(line: bytes) -> bytes:
    if not line:
        raise RouterError("the router hung up; ask again when it has stopped or started")
    if line.startswith(b'{"error":'):
        raise RouterError(f"the router answered: {json.loads(line)['error']}")
    return line
