"""What types cannot say: ranges, shapes and policies that contradict themselves."""

import re
from ipaddress import ip_network
from urllib.parse import urlsplit

from router.config.model import ServerConfig, SourceConfig, StorageConfig
from router.config.problems import Path, Problems
from router.plugins.policies import Policies

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_WRITE_KEY = re.compile(r"[!-~]+")
_NOT_IN_WRITE_KEY = frozenset('/:?#%"\\')


def check_name(path: Path, problems: Problems) -> None:
    """Names of sources and destinations are labels of metrics and parts of addresses."""
    if not _NAME.fullmatch(path[-1]):
        remedy = "use up to 64 letters, digits, hyphens and underscores, beginning with a letter or digit"
        problems.add(path, "is not a name", remedy)


def check_server(server: ServerConfig, problems: Problems) -> None:
    """Check the doors."""
    if not 0 <= server.port <= 65535:
        remedy = "choose one from 1 to 65535, or 0 for any free one"
        problems.add(("server", "port"), f"{server.port} is not a port", remedy)
    if not server.host:
        problems.add(("server", "host"), "is empty", 'write "127.0.0.1", or "0.0.0.0" for every address')
    for network in server.trusted_proxies:
        try:
            ip_network(network, strict=False)
        except ValueError:
            what = f'"{network}" is neither an address nor a network'
            problems.add(("server", "trusted_proxies"), what, 'write e.g. "10.0.0.7" or "10.0.0.0/8"')
    if server.public_url is not None and not _is_http(server.public_url):
        remedy = 'write e.g. "https://collect.example.com"'
        problems.add(("server", "public_url"), "is not the URL of a website", remedy)
    if server.event_limit < 1024:
        problems.add(("server", "event_limit"), "leaves no room for an event", 'the default is "32KiB"')
    if server.batch_limit < server.event_limit:
        problems.add(("server", "batch_limit"), "is below event_limit", "raise it to event_limit or more")
    if server.request_timeout <= 0:
        problems.add(("server", "request_timeout"), "must be above 0", 'the default is "55s"')


def check_storage(storage: StorageConfig, problems: Problems) -> None:
    """Check the store."""
    if not storage.path:
        problems.add(("storage", "path"), "is empty", 'the default is "data/router.db"')
    for name in ("inbox_budget", "stream_budget", "side_budget"):
        if getattr(storage, name) < 1 << 20:
            problems.add(("storage", name), "leaves no room to work", "give it 1MiB at least")


def check_source(source: SourceConfig, problems: Problems, *, has_key: bool) -> None:
    """Check one source; what is said of its write key does not show it. Only one with a kind may have none."""
    path = ("sources", source.name)
    key = source.write_key
    if not key:
        if has_key:  # otherwise a plugin brings its calls
            problems.add((*path, "write_key"), "is empty", "choose a key that is hard to guess")
    elif not _WRITE_KEY.fullmatch(key) or _NOT_IN_WRITE_KEY & set(key):
        remedy = 'use letters, digits and signs other than spaces and / : ? # % " \\'
        problems.add((*path, "write_key"), "has characters that clients cannot send", remedy)
    if source.rate_limit < 0:
        problems.add((*path, "rate_limit"), "must not be negative", "0 switches the limit off")
    if source.dedupe_window < 60:
        problems.add((*path, "dedupe_window"), "is too short for a client's retries", 'the default is "24h"')


def check_policies(policies: Policies, path: Path, problems: Problems) -> None:
    """Check how a destination is fed."""

    def must(holds: bool, section: str, key: str, what: str, remedy: str) -> None:
        if not holds:
            problems.add((*path, section, key), what, remedy)

    batching, concurrency, retry = policies.batching, policies.concurrency, policies.retry
    must(
        batching.max_events >= 1,
        "batching",
        "max_events",
        "must be 1 or more",
        "1 sends every event by itself",
    )
    must(batching.max_bytes >= 1, "batching", "max_bytes", "must be above 0", 'the default is "250KiB"')
    if policies.rate is not None:
        must(
            policies.rate.requests >= 1,
            "rate",
            "requests",
            "must be 1 or more",
            "leave rate out for no limit",
        )
        must(policies.rate.per > 0, "rate", "per", "must be above 0", 'the default is "1s"')
    must(concurrency.initial >= 1, "concurrency", "initial", "must be 1 or more", "the default is 1")
    most = "raise it, or lower concurrency.initial"
    must(concurrency.max >= concurrency.initial, "concurrency", "max", "is below concurrency.initial", most)
    must(retry.first > 0, "retry", "first", "must be above 0", 'the default is "500ms"')
    must(retry.max >= retry.first, "retry", "max", "is below retry.first", "raise it, or lower retry.first")
    must(retry.timeout > 0, "retry", "timeout", "must be above 0", 'the default is "10s"')
    must(retry.give_up > 0, "retry", "give_up", "must be above 0", 'the default is "24h"')


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False
