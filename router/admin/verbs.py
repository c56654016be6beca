"""What the owner of a store may ask: verbs with typed arguments and answers, and the desk that answers them."""

from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Raw, Struct

ArgumentsT = TypeVar("ArgumentsT", bound=Struct)
AnswerT = TypeVar("AnswerT")


class Verb(Struct, Generic[ArgumentsT, AnswerT], frozen=True):
    """One thing that can be asked."""

    name: str
    arguments: type[ArgumentsT]
    """What the question carries."""
    answer: Any
    """The type of the answer, as msgspec decodes it."""


class Question(Struct, frozen=True):
    """A question as it comes over the socket."""

    ask: str
    """The name of a verb, or `tap`."""
    about: Raw = Raw(b"{}")
    """The arguments."""


class Nothing(Struct, frozen=True, forbid_unknown_fields=True):
    """The arguments of a verb that needs none."""


Handler = Callable[[ArgumentsT], Awaitable[AnswerT]]


class Desk:
    """Answers verbs: for the door of a running router, and for a command that opened the store itself."""

    def __init__(self) -> None:
        self._handlers: dict[str, tuple[Verb[Any, Any], Handler[Any, Any]]] = {}

    def on(self, verb: Verb[ArgumentsT, AnswerT], handler: Handler[ArgumentsT, AnswerT]) -> None:
        """Have `handler` answer `verb` from now on, also where another one did."""
        self._handlers[verb.name] = (verb, handler)

    async def ask(self, verb: Verb[ArgumentsT, AnswerT], arguments: ArgumentsT) -> AnswerT:
        """The answer to a question of this program's own."""
        _, handler = self._found(verb.name)
        answer: AnswerT = await handler(arguments)
        return answer

    async def answer(self, question: Question) -> Any:
        """The answer to a question from the socket; raises ValueError when it makes no sense."""
        verb, handler = self._found(question.ask)
        return await handler(msgspec.json.decode(question.about, type=verb.arguments))

    def _found(self, name: str) -> tuple[Verb[Any, Any], Handler[Any, Any]]:
        if name not in self._handlers:
            raise ValueError(f"cannot be asked for {name!r} here; known are {', '.join(self._handlers)}")
        return self._handlers[name]
