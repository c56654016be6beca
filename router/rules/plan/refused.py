"""What the reader of a tracking plan says when it cannot be used."""

from collections.abc import Sequence

from msgspec import Struct

from router.errors import RouterError


class Fault(Struct, frozen=True):
    """One thing to mend in a plan."""

    place: str
    """The rule and a JSON pointer into its schema, e.g. `TRACK "Ride Ended" version 1 /properties/km`; "" for all."""
    what: str
    remedy: str
    path: tuple[str | int, ...] = ()
    """Where it is in the JSON of the plan."""
    at: tuple[int, int] | None = None
    """Line and column in its text, as far as that is known."""

    def placed(self, file: str) -> str:
        """The file with the line and the column."""
        return file if self.at is None else f"{file}:{self.at[0]}:{self.at[1]}"

    def __str__(self) -> str:
        return f"{self.place}: {self.what}; {self.remedy}" if self.place else f"{self.what}; {self.remedy}"


class PlanRefused(RouterError):
    """A tracking plan cannot be used; `faults` holds everything that is wrong with it."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = tuple(faults)
