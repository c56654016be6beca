"""Add where an event comes from: `context.location`, by its IP address and a database on this machine."""

import gzip
import re
import shutil
import tempfile
import zlib
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import IO, Any

import maxminddb
import zstandard

from router import Enricher, Settings, hookimpl

OWN = Path(__file__).with_name("dbip-country-lite.mmdb.zst")
_COUNTRY = re.compile(r"[A-Z]{2}")


class GeoSettings(Settings, frozen=True):
    """Which database."""

    database: str = ""
    """The file of a country or city database in MaxMind's format: *.mmdb, or as it is downloaded, *.mmdb.gz. A new
    file takes its place while the router runs. By default the country database by DB-IP that comes with the router."""


class Geo(Enricher[GeoSettings]):
    """Add where an event comes from, by its IP address.

    `context.location` gets `country`, an ISO 3166-1 code, and from a city database `region`, `city`, `latitude` and
    `longitude`. Addresses that are not of the public internet have no location. IP Geolocation by DB-IP
    (https://db-ip.com) where no database is named.
    """

    kind = "geo"
    reads = ("ip",)
    adds = ("location",)

    def __init__(self, settings: GeoSettings) -> None:
        super().__init__(settings)
        self._database = _open(Path(settings.database) if settings.database else OWN)

    @property
    def files(self) -> Sequence[str]:
        """The database, where the operator names one."""
        return (self.settings.database,) if self.settings.database else ()

    def add(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """The location of a public address that the database knows."""
        try:
            address = ip_address(given["ip"] if isinstance(given["ip"], str) else "")
        except ValueError:
            return {}
        address = getattr(address, "ipv4_mapped", None) or address
        if not address.is_global or (address.version == 6 and self._database.metadata().ip_version == 4):
            return {}
        found = location(self._database.get(address))
        return {"location": found} if found else {}


def location(record: object) -> dict[str, Any]:
    """What a record says, whichever family its database is of: nested (MaxMind, DB-IP) or flat (ip-location-db)."""
    if not isinstance(record, Mapping):
        return {}
    if isinstance(record.get("country"), Mapping) or "location" in record:
        region = record.get("subdivisions")
        place = _mapping(record.get("location"))
        found = {
            "country": _mapping(record.get("country")).get("iso_code"),
            "region": _name(region[0]) if isinstance(region, list) and region else None,
            "city": _name(record.get("city")),
            "latitude": place.get("latitude"),
            "longitude": place.get("longitude"),
        }
    else:
        found = {
            "country": record.get("country_code"),
            "region": record.get("state1"),
            "city": record.get("city"),
            "latitude": record.get("latitude"),
            "longitude": record.get("longitude"),
        }
    if not _COUNTRY.fullmatch(str(found["country"])):
        found["country"] = None
    return {key: value for key, value in found.items() if value not in (None, "")}


def _name(place: object) -> Any:
    return _mapping(_mapping(place).get("names")).get("en")


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _open(file: Path) -> maxminddb.Reader:
    """Open a copy of the file that nobody can write to: a reader crashes when its file is overwritten in place."""
    try:
        with (
            tempfile.NamedTemporaryFile() as copy
        ):  # its name goes at once, its bytes stay until the reader goes
            with _unpacked(file) as source:
                shutil.copyfileobj(source, copy, 1 << 20)
            copy.flush()
            return maxminddb.open_database(copy.name, maxminddb.MODE_MMAP_EXT)
    except FileNotFoundError:
        remedy = "download a country or city database in MaxMind's format, or remove the line to use the router's own"
        raise ValueError(f'database: there is no file "{file}"; {remedy}') from None
    except (maxminddb.InvalidDatabaseError, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise ValueError(f'database: "{file}" is no database ({error}); download it again') from None
    except OSError as error:
        raise ValueError(f'database: "{file}" cannot be read ({error.strerror}); make it readable') from None


def _unpacked(file: Path) -> IO[bytes]:
    if file == OWN:
        packed: IO[bytes] = zstandard.open(file, "rb")
        return packed
    return gzip.open(file, "rb") if file.suffix == ".gz" else file.open("rb")  # type: ignore[return-value]


@hookimpl
def register_enrichments() -> list[type[Enricher[GeoSettings]]]:
    """Offer the enrichment."""
    return [Geo]
