"""`router metrics`: what came, went and failed over time, as a table with a small picture in each row."""

import time
from collections.abc import Sequence

import click
import msgspec

from router.admin.history import HISTORY, AskHistory, Line, Told
from router.cli import configuration, output
from router.cli.asking import answer
from router.cli.moment import MOMENT, shown
from router.storage.history import GRAINS, Granularity

_BARS = " ▁▂▃▄▅▆▇█"
_WIDTH = 48
_WORDS = {
    "successfully_received": "received",
    "failed_on_ingest": "failed on ingest",
    "filtered_at_source": "filtered at source",
    "created_at_source": "created",
    "successful_delivery": "delivered",
    "filtered_at_destination": "filtered",
    "failed_delivery": "failed",
}


@click.command()
@click.option(
    "--since", type=MOMENT, help='Begin here: "2h" (ago) or "2030-03-17T12:00:00Z". Default: an hour ago.'
)
@click.option("--until", type=MOMENT, help="End before this time. Default: now.")
@click.option("--by", type=click.Choice(list(GRAINS)), help="How fine. Default: as fine as is kept.")
@click.option("--source", default="", help="Only this source.")
@click.option("--destination", default="", help="Only this destination.")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@configuration.option
def metrics(
    since: int | None,
    until: int | None,
    by: Granularity | None,
    source: str,
    destination: str,
    as_json: bool,
    file: str,
) -> None:
    """Show what came, went and failed over time.

    Minutes are kept for 48 hours, hours for 30 days, days for 400 days.
    """
    first = int(time.time() * 1000) - GRAINS["hour"].width if since is None else since
    told = answer(file, HISTORY, AskHistory(first, until, by, source, destination))
    if as_json:
        output.line(msgspec.json.encode(told).decode())
    else:
        _show(told)


def _show(told: Told) -> None:
    if not told.lines:
        output.line(f"nothing was counted since {shown(told.first)}")
        return
    output.line(f"since {shown(told.first)}, by the {told.granularity}")
    output.line()
    output.table(("", "step", "reason", "events", "over time"), [_row(line) for line in told.lines])


def _row(line: Line) -> Sequence[str]:
    name = line.name
    named = {"source": name.source, "destination": name.destination}
    whose = next((f"{what} {one}" for what, one in named.items() if one), "no source")
    return whose, _WORDS[name.step], name.reason, f"{line.total:,}", picture(line.points)


def picture(points: Sequence[int]) -> str:
    """The points as bars; more points than there is room for are added up."""
    each = -(-len(points) // _WIDTH)
    sums = [sum(points[start : start + each]) for start in range(0, len(points), each)]
    most = max([1, *sums])
    return "".join(_BARS[-(-max(one, 0) * (len(_BARS) - 1) // most)] for one in sums)
