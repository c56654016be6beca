"""What an event says that the identity graph takes up."""

from msgspec import Raw, Struct, field

Named = tuple[str, str]
"""An identifier within its collection: type and value."""


class Facts(Struct):
    """One event's part in the graph; without any of it the event is about nobody."""

    users: list[Named] = field(default_factory=list)
    """Identifiers of the user, the strongest first."""
    accounts: list[Named] = field(default_factory=list)
    """Identifiers of the account, the strongest first."""
    traits: dict[str, Raw] = field(default_factory=dict)
    """New values of traits; null removes one. Of the account on a group call, else of the user."""
    consent: dict[str, bool] | None = None
    """What the user allows, whole: a category that is not named is not allowed. None changes nothing."""
    is_group: bool = False
    """Whether user and account are linked, and the traits are the account's."""
    previous: str | None = None
    """Of an alias: the id that the user had; which type of identifier it is depends on the graph."""
    left_out: list[str] = field(default_factory=list)
    """Reasons why something of the event, or all of it, is not taken up; each is counted."""
