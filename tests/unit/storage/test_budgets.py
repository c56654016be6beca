"""A budget warns in time, and says how much time there is."""

from router.storage.sqlite.budgets import Budget


class Heard:
    """A budget of 1,000 bytes under a clock that the test moves, and its warnings."""

    def __init__(self) -> None:
        self.now = 0.0
        self.warnings: list[tuple[str, float, float | None]] = []
        self.budget = Budget(
            "stream", 1000, lambda *warning: self.warnings.append(warning), clock=lambda: self.now
        )

    def use(self, used: int, *, at: float) -> None:
        self.now = at
        self.budget.note(used)


def test_a_warning_comes_at_half_and_at_four_fifths() -> None:
    heard = Heard()

    for number, used in enumerate((0, 400, 500, 700, 800, 900)):
        heard.use(used, at=number)

    assert [share for _, share, _ in heard.warnings] == [0.5, 0.8]


def test_a_warning_tells_the_time_left_at_the_present_pace() -> None:
    heard = Heard()

    heard.use(100, at=0)
    heard.use(500, at=40)

    assert heard.warnings == [("stream", 0.5, 50.0)]


def test_the_pace_is_measured_from_when_least_was_used() -> None:
    heard = Heard()

    heard.use(400, at=0)
    heard.use(100, at=1000)
    heard.use(500, at=1040)

    assert heard.warnings == [("stream", 0.5, 50.0)]


def test_without_a_pace_no_time_is_told() -> None:
    heard = Heard()

    heard.use(600, at=0)

    assert heard.warnings == [("stream", 0.6, None)]


def test_a_budget_that_sank_and_rose_again_warns_again() -> None:
    heard = Heard()

    for at, used in enumerate((600, 300, 600)):
        heard.use(used, at=at)

    assert [share for _, share, _ in heard.warnings] == [0.6, 0.6]
