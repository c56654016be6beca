"""Numbers of customers keep their digits all the way from the request to the stored form (tracking-api 6.2)."""

import pytest

from router.enrichment.stored_form import RequestForm
from router.rules.request import read_request
from router.storage.entry import Door, Entry
from tests.unit.rules.requests import LIMITS

DIGITS = ["9007199254740993", "1" * 30, "1e400", "-0.0", "1.10", "1E5", "0.1e-7"]


@pytest.mark.parametrize("digits", DIGITS)
@pytest.mark.parametrize("field", ["properties", "context", "integrations", "unknown"])
def test_a_number_is_stored_with_its_digits(field: str, digits: str) -> None:
    body = f'{{"userId":"u1","event":"E","{field}":{{"a":{digits}}}}}'.encode()
    entry = Entry(source="website", door=Door.TRACK, received_at=0, events=1, body=body)
    received = read_request(Door.TRACK, body, limits=LIMITS)

    event, _ = RequestForm(entry, received).event(received.calls[0], "m1")

    assert f'"{field}":{{"a":{digits}}}'.encode() in event.json


@pytest.mark.parametrize("digits", DIGITS)
def test_a_number_of_a_merged_context_is_stored_with_its_digits(digits: str) -> None:
    member = f'{{"type":"track","userId":"u1","event":"E","context":{{"a":{{"b":{digits}}}}}}}'
    body = f'{{"context":{{"a":{{"c":{digits}}}}},"batch":[{member}]}}'.encode()
    entry = Entry(source="website", door=Door.BATCH, received_at=0, events=1, body=body)
    received = read_request(Door.BATCH, body, limits=LIMITS)

    event, _ = RequestForm(entry, received).event(received.calls[0], "m1")

    assert f'"a":{{"c":{digits},"b":{digits}}}'.encode() in event.json
