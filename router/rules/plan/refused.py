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

    def __str__(self) -> str:
        return f"{self.place}: {self.what}; {self.remedy}" if self.place else f"{self.what}; {self.remedy}"


class PlanRefused(RouterError):
    """A tracking plan cannot be used; `faults` holds everything that is wrong with it."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = tuple(faults)
