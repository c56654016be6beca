"""Hashes of ids are keyed by the store."""

from router.storage.hashing import key_hash, message_hash


def test_a_message_hash_has_sixteen_bytes_and_depends_on_store_workspace_and_id() -> None:
    made = {
        message_hash(bytes(16), "default", "m1"),
        message_hash(bytes(16), "default", "m2"),
        message_hash(bytes(16), "other", "m1"),
        message_hash(b"x" * 8 + bytes(8), "default", "m1"),
    }

    assert len(made) == 4
    assert {len(one) for one in made} == {16}


def test_a_key_hash_fits_into_a_signed_number_of_64_bits() -> None:
    numbers = [key_hash(bytes(range(16)), f"u{one}") for one in range(100)]

    assert all(-(1 << 63) <= one < 1 << 63 for one in numbers)
    assert len(set(numbers)) == 100
    assert min(numbers) < 0 < max(numbers)
