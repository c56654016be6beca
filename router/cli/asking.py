"""Asks the router that owns a store; when none runs, takes the lock and answers from the file itself."""

import asyncio
import time
from pathlib import Path

from router.admin.client import AdminClient
from router.admin.last import answer_last
from router.admin.overview import answer_overview
from router.admin.verbs import AnswerT, ArgumentsT, Desk, Verb
from router.config.model import StorageConfig
from router.errors import PluginError
from router.plugins.registry import Registry
from router.storage.store import Storage
from router.telemetry.signals import Signals


def ask(config: StorageConfig, verb: Verb[ArgumentsT, AnswerT], arguments: ArgumentsT) -> AnswerT | None:
    """The answer to `verb`; None when there is no store yet. Raises RouterError."""
    answer = AdminClient(config.path).ask(verb, arguments)
    if answer is not None or not Path(config.path).exists():
        return answer
    stores = Registry.load().storages
    if config.kind not in stores:
        raise PluginError(f"no plugin offers the store kind {config.kind!r}; install the one that does")
    storage: Storage = stores[config.kind](config, signals=Signals(), clock=time.time)
    return asyncio.run(_answer(storage, verb, arguments))


async def _answer(storage: Storage, verb: Verb[ArgumentsT, AnswerT], arguments: ArgumentsT) -> AnswerT:
    try:
        await storage.open()
        return await _desk(storage).ask(verb, arguments)
    finally:
        await storage.close()


def _desk(storage: Storage) -> Desk:
    """Everything that can be answered without a running router."""
    desk = Desk()
    answer_overview(desk, storage)
    answer_last(desk, storage)
    return desk
