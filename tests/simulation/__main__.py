"""Play many seeds on all cores, or one with everything that happens in it.

python -m tests.simulation --seeds 100000
python -m tests.simulation --seed 4711
"""

import argparse
import multiprocessing
import os
import sys
from collections.abc import Iterator

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tests.simulation.seeds import Played, Stage
from tests.simulation.verdict import verdict

CHUNK = 20
MOST_FAILURES = 20
"""With so many failures nobody needs more of them."""


def main() -> int:
    """Run from the command line; exit 1 when a promise was broken."""
    parser = argparse.ArgumentParser(description="Play the router in simulated worlds.")
    parser.add_argument("--seeds", type=int, default=1000, help="play the seeds up to this one")
    parser.add_argument("--first", type=int, default=1, help="begin with this seed")
    parser.add_argument("--seed", type=int, help="play one seed and show its trace")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, help="processes; by default one a core"
    )
    options = parser.parse_args()
    if options.seed is not None:
        return show(options.seed)
    return play_many(range(options.first, options.seeds + 1), jobs=options.jobs)


def show(seed: int) -> int:
    """Play one seed and print its plan, everything that happens, and what is wrong."""
    with Stage() as stage:
        world = stage.world(seed)
        print(world.plan)
        try:
            world.play()
        finally:
            for at, what, facts in world.trace:
                print(f"{at:12.6f}  {what}  {' '.join(map(str, facts))}")
        problems = verdict(world)
    print(f"fingerprint {world.fingerprint[:16]}")
    for problem in problems:
        print(f"WRONG: {problem}")
    print(f"seed {seed}: {len(problems)} promises broken" if problems else f"seed {seed}: all promises kept")
    return 1 if problems else 0


def play_many(seeds: range, *, jobs: int) -> int:
    """Play these seeds; print each that fails, with the command that repeats it."""
    failures = events = lives = count = 0
    columns = (TextColumn("seeds"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as progress:
        for played in progress.track(_played(seeds, jobs), total=len(seeds)):
            count, events, lives = count + 1, events + played.events, lives + played.lives
            if played.problems:
                failures += 1
                progress.console.print(
                    f"seed {played.seed}: {len(played.problems)} broken, first: {played.problems[0]}\n"
                    f"  repeat it: make drill SEED={played.seed}",
                    markup=False,
                    highlight=False,
                )
            if failures >= MOST_FAILURES:
                break
    print(f"{count} seeds, {lives} lives, {events} events: {failures} seeds with a broken promise")
    return 1 if failures else 0


def _played(seeds: range, jobs: int) -> Iterator[Played]:
    pieces = [seeds[start : start + CHUNK] for start in range(0, len(seeds), CHUNK)]
    with multiprocessing.Pool(jobs) as pool:
        for piece in pool.imap_unordered(_play, pieces):
            yield from piece


def _play(seeds: range) -> list[Played]:
    with Stage() as stage:
        return [stage.play(seed) for seed in seeds]


if __name__ == "__main__":
    sys.exit(main())
