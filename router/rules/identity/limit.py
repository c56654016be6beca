"""How many values of a type of identifier a profile may have (identity 3)."""

from typing import Literal

from msgspec import Struct

Period = Literal["ever", "annually", "monthly", "weekly"]
_DAY = 86_400_000
_LENGTHS: dict[Period, int] = {"annually": 365 * _DAY, "monthly": 30 * _DAY, "weekly": 7 * _DAY}


class Limit(Struct, frozen=True, forbid_unknown_fields=True):
    """So many values within a sliding period."""

    count: int = 5
    """Most values of the type."""
    per: Period = "ever"
    """Which values count: those that came within the last 7, 30 or 365 days, or all."""

    def since(self, now: int) -> int:
        """Values that came after this moment count."""
        return now - _LENGTHS[self.per] if self.per != "ever" else -(1 << 62)
