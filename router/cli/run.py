"""`router run`: the one place that touches the process: the event loop, signals, the collector, logging, the exit."""

import asyncio
import gc
import logging
import os
import signal
import threading
from functools import partial
from typing import Any

import click
import uvloop

from router.actors.guard import Foreign
from router.actors.watchdog import Stuck
from router.app import Router
from router.cli import configuration, output
from router.cli.curl import curl, shown_key
from router.cli.failure import Failure
from router.cli.memory import share_one_arena
from router.config.model import Config
from router.config.source_plugins import is_webhook
from router.errors import ActorFailed, ConfigError, PluginError, RouterError, StorageError
from router.plugins.registry import Registry
from router.telemetry.logs import LibraryLines, Logger, LogObserver, make_logger
from router.telemetry.signals import Signals

STOP_SECONDS = 19.0
"""A stop that takes longer is cut short: what was answered 200 is on the disk, and delivery goes on from there."""


@click.command()
@configuration.option
def run(file: str) -> None:
    """Run the router until it is told to stop.

    SIGTERM and SIGINT stop it: it accepts nothing more, finishes or gives back what is in flight, and exits.
    SIGHUP, or a change of the file, has it read the configuration again; when that is wrong, everything stays.
    """
    share_one_arena()  # before the first thread
    config, registry = configuration.read_with_plugins(file)
    logger = make_logger(config.logging.format, config.logging.level)
    logging.basicConfig(handlers=[LibraryLines(logger)], level=logging.INFO, force=True)
    logging.getLogger("watchfiles").setLevel(logging.WARNING)  # it tells of each change, ours or not
    observer = LogObserver(logger)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(file, config, registry, observer, partial(_stop_at_once, logger)))
    except ConfigError as error:
        raise configuration.refused(error.problems) from None
    except StorageError as error:
        raise Failure(f"the store cannot be used: {error}", Failure.STORE) from None
    except PluginError as error:
        raise Failure(str(error), Failure.CONFIG) from None
    except ActorFailed as error:
        raise Failure(f"the router stopped: {error}", Failure.SOFTWARE) from None
    except RouterError as error:
        raise Failure(str(error)) from None
    except OSError as error:
        where = f"{config.server.host}:{config.server.port}"
        message = f"cannot listen on {where}: {error.strerror or error}; choose another with [server] port"
        raise Failure(message, Failure.UNAVAILABLE) from None
    finally:
        observer.flush()


async def _run(file: str, config: Config, registry: Registry, observer: LogObserver, on_stuck: Stuck) -> None:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    early = asyncio.Event()
    loop.add_signal_handler(signal.SIGHUP, early.set)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    signals = Signals()
    signals.observe(observer)
    async with Router(config, registry=registry, signals=signals, file=file, on_stuck=on_stuck) as router:
        loop.add_signal_handler(signal.SIGHUP, router.reloads.ask)
        if early.is_set():
            router.reloads.ask()
        gc.collect()
        gc.freeze()  # what was made at the start stays for good; the collector need not look at it again
        greet(config, router.url)
        await _first(told, router.failed)
        limit = _exit_later(STOP_SECONDS)
    limit.cancel()


async def _first(told: asyncio.Event, failed: "asyncio.Future[Any]") -> None:
    """Return when the process is told to stop, or the router cannot go on."""
    failed.add_done_callback(lambda _: told.set())
    await told.wait()


def _stop_at_once(logger: Logger, plugin: Foreign, where: str) -> None:
    """End the process: a plugin holds its loop for good. What was answered 200 is on the disk."""
    logger.error("plugin_stuck", destination=plugin.owner, plugin=plugin.kind, where=where)
    os._exit(Failure.SOFTWARE)


def _exit_later(seconds: float) -> threading.Timer:
    """Exit after `seconds` whatever happens: a thread, because the loop may be what hangs."""
    timer = threading.Timer(seconds, os._exit, [Failure.SOFTWARE])
    timer.daemon = True
    timer.start()
    return timer


def greet(config: Config, url: str) -> None:
    """Say where the router is, who may send, and how to try it."""
    console = output.console()
    console.print(f"Pointsman is listening on {url}", style="bold")
    rows = []
    first = None
    for source in config.sources.values():
        if not source.write_key:
            whose = (
                f"{source.kind} brings its calls in" if source.kind else "for the calls of a program itself"
            )
            rows.append((source.name, f"none: {whose}"))
            continue
        reference = config.references.get(f"sources.{source.name}.write_key")
        rows.append((source.name, shown_key(source.write_key, reference)))
        if source.enabled and first is None and not is_webhook(source):
            first = curl(url, source.write_key, reference)
    if not rows:
        output.line("No source is configured: nobody can send anything. Add a section [sources.NAME].")
        return
    output.line()
    output.table(("source", "write key"), rows)
    if first is not None:
        output.line()
        output.line("Send an event:")
        output.line()
        output.line(first)
        output.line()
