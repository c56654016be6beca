"""What a destination filter may say, in router.toml as in Segment's JSON."""

from typing import Annotated

from msgspec import Meta, Struct, field

Fields = dict[str, tuple[str, ...]]
"""Keys by the path of the object that they stand in; the empty path is the top of the event."""


class Sample(Struct, tag="SAMPLE", tag_field="type", frozen=True, forbid_unknown_fields=True):
    """Keep a share of the events."""

    percent: Annotated[float, Meta(ge=0, le=1)]
    """The share, from 0 to 1."""
    path: str = ""
    """The field that decides, e.g. "userId", so that a user's events meet one fate; by default each event its own."""


class Drop(Struct, tag="DROP", tag_field="type", frozen=True, forbid_unknown_fields=True):
    """Do not send the event."""


class DropProperties(
    Struct, tag="DROP_PROPERTIES", tag_field="type", frozen=True, forbid_unknown_fields=True
):
    """Take fields away."""

    fields: Fields
    """E.g. { "properties" = ["price"], "" = ["userId"] }; of an array, every element loses them."""


class AllowProperties(
    Struct, tag="ALLOW_PROPERTIES", tag_field="type", frozen=True, forbid_unknown_fields=True
):
    """Take all other fields of an object away."""

    fields: Fields
    """E.g. { "properties" = ["total", "currency"] }; what stands beside the object is not touched."""


Action = Sample | Drop | DropProperties | AllowProperties


class FilterDefinition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A destination filter: what happens to events for which `if` is true."""

    condition: str = field(name="if", default="all")
    """FQL; by default every event."""
    actions: tuple[Action, ...]
    """What is done; of all filters together first what samples, then what drops, then what removes fields."""
    title: str = ""
    """What people call it, in 64 characters at most."""
    description: str = ""
    """What it is for."""
    enabled: bool = True
    """Whether it counts."""
    sources: tuple[str, ...] = ()
    """The sources whose events it is for; by default all that are connected."""
    # What Segment's object says of itself.
    id: str | None = None
    source_id: str | None = None
    destination_id: str | None = None
    created_at: str | None = None
    updated_at: str | None = None

    @property
    def only_from(self) -> frozenset[str]:
        """The sources that it is for, as either notation names them; empty for all."""
        return frozenset(self.sources or ((self.source_id,) if self.source_id else ()))
