"""Asks the router that owns a store; when none runs, takes the lock and answers from the file itself."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from router.admin.client import AdminClient
from router.admin.dead import answer_dead
from router.admin.history import answer_history
from router.admin.last import answer_last
from router.admin.overview import answer_overview
from router.admin.profile_changes import answer_changes
from router.admin.profile_search import answer_search
from router.admin.profiles import answer_profiles, editing_at_rest
from router.admin.replays import answer_replays_at_rest
from router.admin.schema import answer_schema
from router.admin.verbs import AnswerT, ArgumentsT, Desk, Verb
from router.admin.where import answer_where
from router.cli import configuration
from router.cli.failure import Failure
from router.config.model import StorageConfig
from router.errors import PluginError, RouterError
from router.plugins.registry import Registry
from router.storage.profile_follower import ProfileLog
from router.storage.store import Storage
from router.telemetry.signals import Signals

Prepare = Callable[[Desk, Storage], None]
"""Has a desk answer more than the store alone can say."""


class Asking:
    """Asks one question after another; where no router runs, the store is opened for the first and stays open."""

    def __init__(self, config: StorageConfig, stack: ExitStack, prepare: Prepare) -> None:
        self._prepare = prepare
        self._config = config
        self._stack = stack
        self._client = AdminClient(config.path)
        self._opened: tuple[asyncio.Runner, Desk] | None = None

    @property
    def is_router(self) -> bool:
        """Whether a running router answers, as far as was seen."""
        return self._opened is None

    def __call__(self, verb: Verb[ArgumentsT, AnswerT], arguments: ArgumentsT) -> AnswerT | None:
        """The answer to `verb`; None when there is no store yet. Raises RouterError."""
        try:
            msgspec.json.encode(arguments)
        except UnicodeEncodeError:
            raise RouterError("the command line has bytes that are no text; write it in UTF-8") from None
        if self._opened is None:
            answer = self._client.ask(verb, arguments)
            if answer is not None or not Path(self._config.path).exists():
                return answer
            self._opened = self._open()
        runner, desk = self._opened
        return runner.run(desk.ask(verb, arguments))

    def _open(self) -> tuple[asyncio.Runner, Desk]:
        stores = Registry.load().storages
        kind = self._config.kind
        if kind not in stores:
            raise PluginError(f"no plugin offers the store kind {kind!r}; install the one that does")
        storage: Storage = stores[kind](self._config, signals=Signals(), clock=time.time)
        runner = self._stack.enter_context(asyncio.Runner())
        self._stack.callback(lambda: runner.run(storage.close()))
        runner.run(storage.open())
        desk = _desk(storage)
        self._prepare(desk, storage)
        return runner, desk


@contextmanager
def asking(config: StorageConfig, *, prepare: Prepare = lambda desk, storage: None) -> Iterator[Asking]:
    """Ask several questions of one store; at the end it is closed, if it was opened.

    `prepare` is for verbs that need more than the store when no router runs.
    """
    with ExitStack() as stack:
        yield Asking(config, stack, prepare)


def ask(config: StorageConfig, verb: Verb[ArgumentsT, AnswerT], arguments: ArgumentsT) -> AnswerT | None:
    """The answer to `verb`; None when there is no store yet. Raises RouterError."""
    with asking(config) as put:
        return put(verb, arguments)


def answer(file: str, verb: Verb[ArgumentsT, AnswerT], arguments: ArgumentsT) -> AnswerT:
    """The answer of the router or the store that `file` names; what is refused, or no store yet, ends the command."""
    storage = configuration.read_storage(file)
    try:
        found = ask(storage, verb, arguments)
    except RouterError as error:
        raise Failure(str(error)) from None
    if found is None:
        raise Failure(f"there is no store at {storage.path} yet")
    return found


@contextmanager
def opened(file: str) -> Iterator[Asking]:
    """Ask the router or the store that `file` names; what is refused ends the command."""
    try:
        with asking(configuration.read_storage(file)) as put:
            yield put
    except RouterError as error:
        raise Failure(str(error)) from None


def _desk(storage: Storage) -> Desk:
    """Everything that can be answered without a running router."""
    desk = Desk()
    answer_overview(desk, storage)
    answer_last(desk, storage)
    answer_schema(desk, storage.inventory.read, storage.inventory.findings.read)
    answer_history(desk, storage, now=lambda: int(time.time() * 1000))
    answer_dead(desk, storage, now=lambda: int(time.time() * 1000))
    answer_where(desk, storage)
    answer_profiles(desk, storage, editing_at_rest(storage, now=lambda: int(time.time() * 1000)))
    answer_replays_at_rest(desk, storage)
    answer_search(desk, storage)
    answer_changes(desk, ProfileLog(storage.profiles))
    return desk
