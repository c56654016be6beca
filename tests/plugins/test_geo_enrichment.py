"""Geo says where public addresses are, of whichever database, and nothing of what it cannot know."""

import gzip
import os
from pathlib import Path
from typing import Any

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from plugins.enrichments.geo import OWN, Geo
from router.errors import ConfigError
from router.testing import enriched, enricher, track

NESTED = {
    "country": {"iso_code": "DE", "names": {"en": "Germany"}},
    "subdivisions": [{"names": {"en": "Land Berlin"}}],
    "city": {"names": {"en": "Berlin", "de": "Berlin"}},
    "location": {"latitude": 52.5, "longitude": 13.25},
}
FLAT = {"country_code": "DE", "state1": "Land Berlin", "city": "Berlin", "latitude": 52.5, "longitude": 13.25}
BERLIN = {"country": "DE", "region": "Land Berlin", "city": "Berlin", "latitude": 52.5, "longitude": 13.25}


def write(file: Path, record: dict[str, Any], network: str = "8.8.0.0/16", version: int = 6) -> str:
    """Write a database that knows one network."""
    writer = MMDBWriter(version, "test", ipv4_compatible=version == 6, float_type="f64")
    writer.insert_network(IPSet([network]), record)
    writer.to_db_file(str(file))
    return str(file)


def locate(geo: Geo | type[Geo], ip: Any) -> Any:
    """What is added for an address."""
    return enriched(geo, track("A", context={"ip": ip})).context.get("location")


@pytest.fixture(scope="module")
def own() -> Geo:
    """With the database that comes along."""
    return enricher(Geo)


@pytest.mark.parametrize(
    ("ip", "country"),
    [("8.8.8.8", "US"), ("193.0.6.139", "NL"), ("2a00:1450:4001::1", "DE"), ("::ffff:8.8.8.8", "US")],
)
def test_the_database_that_comes_along_knows_countries(own: Geo, ip: str, country: str) -> None:
    assert locate(own, ip) == {"country": country}


@pytest.mark.parametrize(
    "ip",
    ["10.0.0.1", "192.168.1.1", "127.0.0.1", "169.254.1.1", "0.0.0.0", "203.0.113.9", "::1", "fe80::1%eth0", "fd00::1",
     "::ffff:10.0.0.1", "", " ", "8.8.8.8 ", "8.8.8", "8.8.8.8/32", "8.8.8.8:80", "[2a00::1]", "x" * 9000, "8" * 5000,
     None, True, 134744072, 1e400, [], {}, ["8.8.8.8"], {"ip": "8.8.8.8"}],
)  # fmt: skip
def test_private_and_impossible_addresses_have_no_location(own: Geo, ip: Any) -> None:
    assert locate(own, ip) is None


@pytest.mark.parametrize("record", [NESTED, FLAT], ids=["nested", "flat"])
def test_a_city_database_says_more(tmp_path: Path, record: dict[str, Any]) -> None:
    geo = enricher(Geo, database=write(tmp_path / "city.mmdb", record))

    assert locate(geo, "8.8.8.8") == BERLIN
    assert locate(geo, "9.9.9.9") is None


@pytest.mark.parametrize(
    ("record", "found"),
    [
        ({"country_code": "ZZZ"}, None),
        ({"country_code": ""}, None),
        ({"country": {}, "location": "no object"}, None),
        (
            {"country": {"iso_code": "FR"}, "subdivisions": [], "city": {"names": {"de": "x"}}},
            {"country": "FR"},
        ),
        ({"location": {"latitude": 1.5}}, {"latitude": 1.5}),
        ({"asn": 7}, None),
    ],
)
def test_a_record_that_lacks_something_says_the_rest(tmp_path: Path, record: Any, found: Any) -> None:
    assert locate(enricher(Geo, database=write(tmp_path / "a.mmdb", record)), "8.8.8.8") == found


def test_a_database_of_old_addresses_says_nothing_of_new_ones(tmp_path: Path) -> None:
    geo = enricher(Geo, database=write(tmp_path / "v4.mmdb", FLAT, version=4))

    assert (locate(geo, "8.8.8.8"), locate(geo, "2a00:1450:4001::1")) == (BERLIN, None)


def test_a_database_may_be_compressed_as_it_is_downloaded(tmp_path: Path) -> None:
    plain = Path(write(tmp_path / "a.mmdb", FLAT))
    packed = tmp_path / "a.mmdb.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))

    assert locate(enricher(Geo, database=str(packed)), "8.8.8.8") == BERLIN


def test_a_database_that_is_overwritten_in_place_does_no_harm(tmp_path: Path) -> None:
    file = Path(write(tmp_path / "a.mmdb", FLAT))
    geo = enricher(Geo, database=str(file))

    file.write_bytes(b"")

    assert locate(geo, "8.8.8.8") == BERLIN


@pytest.mark.parametrize("name", ["a.mmdb", "a.mmdb.gz"])
@pytest.mark.parametrize("content", [b"", b"x" * 100, b"\x1f\x8b\x08junk", b"half"])
def test_a_file_that_is_no_database_is_refused_with_the_remedy(
    tmp_path: Path, name: str, content: bytes
) -> None:
    file = tmp_path / name
    if content == b"half":
        whole = Path(write(tmp_path / "whole.mmdb", FLAT)).read_bytes()
        content = (gzip.compress(whole) if name.endswith(".gz") else whole)[: len(whole) // 3]
    file.write_bytes(content)

    with pytest.raises(
        ConfigError, match=r'enrichments.geo: database: "\S+" is no database \(.*\); download it'
    ):
        enricher(Geo, database=str(file))


def test_a_file_that_is_missing_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no file .*; download a country or city database"):
        enricher(Geo, database=str(tmp_path / "none.mmdb"))


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot be read \(Is a directory\); make it readable"):
        enricher(Geo, database=str(tmp_path))


def test_no_copy_stays_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    enricher(Geo)

    assert os.listdir(tmp_path) == []


def test_the_licence_of_the_data_lies_beside_it() -> None:
    notice = OWN.with_name("NOTICE.txt").read_text("utf-8")

    assert "Creative Commons Attribution 4.0" in notice
    assert "https://db-ip.com" in notice
    assert OWN.name in notice
