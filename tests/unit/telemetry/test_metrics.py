"""The text of /metrics: what Prometheus reads, in the words of operations 3.1 and in the router's own."""

from collections.abc import Mapping

import pytest
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from router.storage.books import Books, Standing
from router.storage.cursor import Cursor
from router.storage.store import StoreFacts
from router.telemetry.conservation import conservation, stream_sum
from router.telemetry.happenings import (
    ActorRestarted,
    BatchDelivered,
    BatchFailed,
    DestinationResumed,
    EntriesAccepted,
    LoopBlocked,
    RequestAnswered,
    SourceFailed,
)
from router.telemetry.metrics import Metrics, resident_bytes

FACTS = StoreFacts(
    kind="memory",
    path="x.db",
    schema_version=1,
    inbox_first=0,
    inbox_next=120,
    inbox_cursor=100,
    stream_first=0,
    stream_next=100,
    inbox_bytes=10,
    stream_bytes=20,
    wal_bytes=30,
    free_bytes=40,
    set_aside=((5, 8),),
    is_writable=True,
)
COUNTERS = {
    ("successfully_received", "web"): 100,
    ("failed_on_ingest", "web", "duplicate"): 3,
    ("filtered_at_source", "web", "unplanned"): 2,
    ("accepted", "crm"): 60,
    ("delivered", "crm"): 40,
    ("filtered", "crm", "UNSUPPORTED_EVENT_TYPE"): 6,
    ("filtered", "crm", "FILTERED_BY_RULES"): 1,
    ("dead", "crm", "400"): 4,
    ("expired", "crm", "disk_budget"): 5,
    ("suppressed", "crm"): 1,
    ("deleted", "crm"): 1,
}


CRM = Standing("crm", 0, Cursor(50, ((60, 70),)), 2)
BOOKS = Books(107, 2, 100, tuple(COUNTERS.items()), (CRM,))


def samples(
    metrics: Metrics | None = None, counters: Mapping[tuple[str, ...], int] = COUNTERS
) -> dict[tuple[str, ...], float]:
    text = (metrics or Metrics()).text(FACTS, counters, BOOKS).decode()
    return {
        (one.name, *(value for _, value in sorted(one.labels.items()) if value)): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


@pytest.mark.parametrize(
    ("labels", "amount"),
    [
        (("successfully_received", "web"), 100),
        (("duplicate", "failed_on_ingest", "web"), 3),
        (("unplanned", "filtered_at_source", "web"), 2),
        (("crm", "successful_delivery"), 40),
        (("crm", "UNSUPPORTED_EVENT_TYPE", "filtered_at_destination"), 6),
        (("crm", "suppressed", "filtered_at_destination"), 1),
        (("crm", "400", "failed_delivery"), 4),
        (("crm", "disk_budget", "failed_delivery"), 5),
    ],
)
def test_events_are_counted_by_step(labels: tuple[str, ...], amount: int) -> None:
    found = {frozenset(key): value for key, value in samples().items()}

    assert found[frozenset(("router_events_total", *labels))] == amount


def test_outcomes_are_counted_in_the_routers_words() -> None:
    assert samples()["router_outcomes_total", "crm", "filtered"] == 7


def test_pending_counts_what_is_not_passed_and_what_is_parked() -> None:
    assert samples()["router_pending_events", "crm"] == 100 - 50 - 10 + 2


def test_the_store_is_measured() -> None:
    found = samples()

    assert found["router_inbox_lag_events",] == 20
    assert found["router_store_bytes", "wal"] == 30
    assert found["router_set_aside_events",] == 3
    assert found["router_store_writable",] == 1


def test_the_latency_of_each_destination_is_a_histogram() -> None:
    metrics = Metrics()
    metrics(BatchDelivered("crm", 10, 0.2))

    found = samples(metrics)

    assert found["router_delivery_latency_seconds_bucket", "crm", "0.25"] == 1
    assert found["router_delivery_latency_seconds_bucket", "crm", "0.1"] == 0


def test_happenings_are_counted() -> None:
    metrics = Metrics()
    for signal in (
        EntriesAccepted(3, 40),
        BatchFailed("crm", 1, "503"),
        RequestAnswered("web", 503, "unavailable"),
        LoopBlocked(1.5, "x.py:3"),
        ActorRestarted("identity", "x"),
        SourceFailed("orders", "poll", "LookupError", 0.5),
        DestinationResumed("crm"),
    ):
        metrics(signal)

    found = samples(metrics)

    assert found["router_requests_total",] == 3
    assert found["router_failed_batches_total", "crm"] == 1
    assert found["router_answers_total", "503"] == 1
    assert found["router_loop_blocked_seconds_total",] == 1.5
    assert found["router_actor_restarts_total",] == 1
    assert found["router_source_failures_total", "orders"] == 1


def test_two_routers_do_not_share_numbers() -> None:
    first, second = Metrics(), Metrics()
    first(EntriesAccepted(3, 40))

    assert samples(second)["router_requests_total",] == 0


def test_memory_is_measured() -> None:
    assert resident_bytes() > 1 << 20


def test_a_sum_that_holds_has_nothing_missing() -> None:
    [crm] = conservation(BOOKS)

    assert crm.accepted == 60 + 40
    assert crm.pending == 42
    assert crm.missing == 0
    assert str(crm) == (
        "100 accepted = 40 delivered + 7 filtered + 1 suppressed + 4 dead + 5 expired + 1 deleted + 42 pending"
    )


def test_a_sum_that_does_not_hold_says_how_many_are_missing() -> None:
    counters = {**COUNTERS, ("delivered", "crm"): 33}
    [crm] = conservation(replace(BOOKS, counters=tuple(counters.items())))

    assert crm.missing == 7


def test_requests_that_were_sent_again_are_counted_by_source() -> None:
    found = samples(Metrics(), {("requests_retried", "website"): 3})

    assert found["router_retried_requests_total", "website"] == 3


def test_the_sum_of_the_stream_holds_with_what_was_dropped_and_what_was_lost() -> None:
    found = stream_sum(BOOKS)

    assert found.missing == 0
    assert str(found) == "107 received = 100 in the stream + 2 damaged + 3 duplicate + 2 unplanned"


def test_events_that_the_router_creates_are_part_of_the_stream_s_sum() -> None:
    created = (*BOOKS.counters, (("created_at_source", "quality", "violation"), 4))
    found = stream_sum(replace(BOOKS, counters=created, stream_next=104))

    assert found.missing == 0
    assert str(found).startswith("111 received or created = 104 in the stream")


def test_an_event_that_did_not_reach_the_stream_is_missed() -> None:
    assert stream_sum(replace(BOOKS, inbox_cursor=108)).missing == 1


def test_unexplained_events_are_told_by_destination_and_for_the_stream() -> None:
    found = samples()

    assert found["router_unexplained_events", "crm"] == 0
    assert found["router_unexplained_events", "(stream)"] == 0


def test_a_dead_letter_that_was_sent_again_does_not_let_a_counter_go_back() -> None:
    counters = {**COUNTERS, ("dead", "crm", "400"): 1, ("revived", "crm", "400"): 3}

    found = samples(None, counters)

    assert found["router_outcomes_total", "crm", "dead"] == 4
    assert found["router_events_total", "crm", "400", "failed_delivery"] == 4
