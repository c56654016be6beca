"""Signals and durable counters in numbers: the text of `/metrics`, in Prometheus' format.

Each router has a registry of its own. What must survive a restart comes from the store's counters; what only matters
now (latency, blocked loop, restarts) is counted here. The steps have the names of operations 3.1.
"""

import os
import resource
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from router.storage.books import Books
from router.storage.replays import is_replay
from router.storage.side_log import DAMAGED, DEAD, DONE, PUT, REVIVED
from router.storage.store import Counts, StoreFacts
from router.telemetry.conservation import OUTCOMES, all_sums, pending
from router.telemetry.happenings import (
    ActorRestarted,
    BatchDelivered,
    BatchFailed,
    EntriesAccepted,
    LoopBlocked,
    RequestAnswered,
    SourceFailed,
)
from router.telemetry.signals import Signal
from router.telemetry.steps import step_of

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SIDE = {PUT: "taken", DONE: "done", DEAD: "dead", REVIVED: "dead", DAMAGED: "damaged"}
"""Counters of the side log, and what they are called. What was revived stays dead here: what is shown only grows."""
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """Observes signals, and writes the text: `signals.observe(metrics)`, then `metrics.text(…)` when asked."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        own = self._registry
        self._latency = Histogram(
            "router_delivery_latency_seconds",
            "How long a destination took for a batch.",
            ["destination"],
            buckets=BUCKETS,
            registry=own,
        )
        self._failed = Counter(
            "router_failed_batches", "Attempts that failed.", ["destination"], registry=own
        )
        self._requests = Counter("router_requests", "Requests that were kept.", registry=own)
        self._answers = Counter("router_answers", "Answers that were no success.", ["status"], registry=own)
        self._blocked = Counter(
            "router_loop_blocked_seconds", "Time in which something held the event loop.", registry=own
        )
        self._restarts = Counter(
            "router_actor_restarts", "Actors that crashed and were restarted.", registry=own
        )
        self._source_failures = Counter(
            "router_source_failures", "Times that a source plugin raised.", ["source"], registry=own
        )
        self._now = _Now()
        self._registry.register(self._now)

    def __call__(self, signal: Signal) -> None:
        """Count a signal."""
        if isinstance(signal, BatchDelivered):
            if not is_replay(
                signal.destination
            ):  # how old replayed events are says nothing of the destination
                self._latency.labels(signal.destination).observe(signal.seconds)
        elif isinstance(signal, EntriesAccepted):
            self._requests.inc(signal.requests)
        elif isinstance(signal, BatchFailed):
            self._failed.labels(signal.destination).inc()
        elif isinstance(signal, RequestAnswered):
            self._answers.labels(str(signal.status)).inc()
        elif isinstance(signal, LoopBlocked):
            self._blocked.inc(signal.seconds)
        elif isinstance(signal, SourceFailed):
            self._source_failures.labels(signal.source).inc()
        elif isinstance(signal, ActorRestarted):
            self._restarts.inc()

    def text(self, facts: StoreFacts, counters: Counts, books: Books) -> bytes:
        """The text of `/metrics` for this state of the store."""
        self._now.show(facts, counters, books)
        return generate_latest(self._registry)


class _Now(Collector):
    """What the store says at the moment of asking."""

    def __init__(self) -> None:
        self._families: list[Metric] = []

    def show(self, facts: StoreFacts, counters: Counts, books: Books) -> None:
        self._families = [
            step_counts(with_revived(counters)),
            outcome_counts(with_revived(counters)),
            _pending(books),
            _unexplained(books),
            retried_requests(counters),
            failed_enrichments(counters),
            controlled_fields(counters),
            side_entries(counters),
            _waiting_entries(books),
            *_store(facts),
            *_process(),
        ]

    def collect(self) -> Iterable[Metric]:
        return self._families


def with_revived(counters: Counts) -> Counts:
    """The counters with the dead letters that were sent again among the dead: what is exported only grows."""
    found = dict(counters)
    for (name, *labels), amount in counters.items():
        if name == "revived":
            dead = ("dead", *labels)
            found[dead] = found.get(dead, 0) + amount
    return found


def step_counts(counters: Counts) -> Metric:
    """Events by step of the pipeline (operations 3.1), with source or destination, and reason."""
    family = CounterMetricFamily(
        "router_events",
        "Events by step of the pipeline.",
        labels=["step", "source", "destination", "reason"],
    )
    for counter in sorted(counters):
        name = step_of(counter)
        if name is not None:
            family.add_metric([name.step, name.source, name.destination, name.reason], counters[counter])
    return family


def outcome_counts(counters: Counts) -> Metric:
    """Events by outcome at each destination, in the router's own words."""
    family = CounterMetricFamily(
        "router_outcomes", "Events by their end at a destination.", labels=["destination", "outcome"]
    )
    totals: dict[tuple[str, str], int] = {}
    for name, *labels in counters:
        if name in OUTCOMES and labels:
            totals[labels[0], name] = totals.get((labels[0], name), 0) + counters[name, *labels]
    for (destination, outcome), total in sorted(totals.items()):
        family.add_metric([destination, outcome], total)
    return family


def retried_requests(counters: Counts) -> Metric:
    """Requests that a client sent again, by the header `X-Retry-Count`."""
    family = CounterMetricFamily(
        "router_retried_requests", "Requests that a client had sent before.", labels=["source"]
    )
    for name, *labels in sorted(counters):
        if name == "requests_retried":
            family.add_metric(labels[:1] or [""], counters[name, *labels])
    return family


def failed_enrichments(counters: Counts) -> Metric:
    """Events that are kept without what an enricher should have added, because it raised."""
    family = CounterMetricFamily(
        "router_failed_enrichments",
        "Events without an addition whose enricher failed.",
        labels=["source", "enrichment"],
    )
    for name, *labels in sorted(counters):
        if name == "enrichment_failed":
            family.add_metric(labels, counters[name, *labels])
    return family


def controlled_fields(counters: Counts) -> Metric:
    """Fields with personal data that a control met."""
    family = CounterMetricFamily(
        "router_controlled_fields",
        "Fields that were blocked, hashed, masked or encrypted.",
        labels=["source", "action", "field"],
    )
    for name, *labels in sorted(counters):
        if name == "privacy":
            family.add_metric(labels, counters[name, *labels])
    return family


def side_entries(counters: Counts) -> Metric:
    """Entries of the side log, such as vendors' requests, by what became of them; those given up by reason."""
    family = CounterMetricFamily(
        "router_side_entries",
        "Entries of the side log that were taken, done or given up.",
        labels=["lane", "outcome", "reason"],
    )
    found: dict[tuple[str, str, str], int] = {}
    for (name, *labels), amount in counters.items():
        if name in _SIDE:
            key = (labels[0], _SIDE[name], (*labels, "")[1])
            found[key] = found.get(key, 0) + amount
    for key, amount in sorted(found.items()):
        family.add_metric(list(key), amount)
    return family


def resident_bytes() -> int:
    """Memory that the process holds now; where the system does not say, the most that it ever held."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def _pending(books: Books) -> Metric:
    family = GaugeMetricFamily(
        "router_pending_events", "Events that wait for a destination.", labels=["destination"]
    )
    for one in books.destinations:
        waiting = pending(one, books.stream_next)
        if waiting or not is_replay(one.name):
            family.add_metric([one.name], waiting)
    return family


def _waiting_entries(books: Books) -> Metric:
    family = GaugeMetricFamily(
        "router_side_waiting_entries",
        "Entries of the side log that wait for their function.",
        labels=["lane"],
    )
    for lane in books.lanes:
        family.add_metric([lane.name], lane.waiting)
    return family


def _unexplained(books: Books) -> Metric:
    family = GaugeMetricFamily(
        "router_unexplained_events",
        "Events without an end that do not wait either; anything but 0 is a fault.",
        labels=["destination"],
    )
    for one in all_sums(books):
        if one.missing or not is_replay(one.destination):
            family.add_metric([one.destination], one.missing)
    return family


def _store(facts: StoreFacts) -> Iterator[Metric]:
    lag = facts.inbox_next - facts.inbox_cursor
    yield GaugeMetricFamily("router_inbox_lag_events", "Accepted events that wait for processing.", lag)
    sizes: Mapping[str, int] = {
        "inbox": facts.inbox_bytes,
        "stream": facts.stream_bytes,
        "side": facts.side_bytes,
        "wal": facts.wal_bytes,
    }
    stored = GaugeMetricFamily("router_store_bytes", "What the store holds on disk.", labels=["part"])
    for part, size in sizes.items():
        stored.add_metric([part], size)
    yield stored
    yield GaugeMetricFamily("router_free_bytes", "Free space of the store's disk.", facts.free_bytes)
    yield GaugeMetricFamily("router_store_writable", "1 while writes succeed.", int(facts.is_writable))
    lost = sum(after - first for first, after in facts.set_aside)
    yield GaugeMetricFamily(
        "router_set_aside_events", "Events in damaged segments that were set aside.", lost
    )


def _process() -> Iterator[Metric]:
    yield GaugeMetricFamily("router_resident_bytes", "Memory that the process holds.", resident_bytes())
    yield CounterMetricFamily("router_cpu_seconds", "Processor time of the process.", time.process_time())
