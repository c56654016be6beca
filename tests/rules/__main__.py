"""`make rules`: one line for each specification, from the results of the last runs.

python -m tests.rules ../shared/spec
"""

import json
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.rules.count import prefix_of, ranges, standings, written_tests
from tests.rules.results import KEY

TESTS = Path(__file__).parents[1]
CACHE = TESTS.parent / ".pytest_cache" / "v" / KEY


def main() -> int:
    """Print the table; without a specification there is nothing to count."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/spec")
    pages = sorted(folder.glob("*.md"))
    if not pages:
        print(f"{folder} holds no specification; name its folder: make rules SPEC=…")
        return 0
    results = json.loads(CACHE.read_text(encoding="utf-8")) if CACHE.exists() else {}
    texts = {prefix_of(page): page.read_text(encoding="utf-8") for page in pages}
    table = Table("spec", "rules", "passing", "test, no pass", "no test")
    for standing in standings(texts, written_tests(TESTS), results):
        if standing.rules:
            table.add_row(
                standing.prefix,
                str(len(standing.rules)),
                str(len(standing.passing)),
                ranges(standing.unproven),
                ranges(standing.missing),
            )
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
