"""What the file of a declarative destination may say."""

from typing import Any, Literal

from msgspec import Struct, field

SettingType = Literal["text", "whole", "number", "boolean", "duration", "size"]
EventType = Literal["track", "identify", "page", "screen", "group", "alias"]


class SettingDefinition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A section `[settings.NAME]`: something that the operator sets."""

    type: SettingType = "text"
    """What it is."""
    description: str
    """What it means, in a sentence."""
    secret: bool = False
    """Whether it is never shown; only text can be secret."""
    required: bool | None = None
    """Whether it must be set; by default it must when it has no default."""
    default: Any = None
    """What holds when it is not set."""
    choices: tuple[str, ...] = ()
    """The only texts that it may be; any by default."""
    pattern: str = ""
    """A regular expression that its whole text matches; any text by default."""
    example: str = ""
    """A made-up value that would be accepted; where there is a `pattern`, the conformance suite needs one."""

    @property
    def is_required(self) -> bool:
        """Whether it must be set."""
        return self.default is None if self.required is None else self.required


class RequestDefinition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A section `[request]`, or `[mappings.request]` for what differs in one mapping."""

    method: Literal["POST", "PUT", "PATCH", "GET", "DELETE"] | None = None
    """The HTTP method; POST by default."""
    url: str = ""
    """Where to send, with places such as `{{settings.host}}` and, behind the host, `{{payload.id}}`."""
    headers: dict[str, str] = field(default_factory=dict)
    """Headers, with places too."""
    body: Any = None
    """A mapping of `{"payload", "settings"}`; the payload itself by default. GET and DELETE have none."""
    batch: Literal["single", "array", "lines", "object"] | None = None
    """`single` (default): a request for each event; `array`: bodies in a JSON array; `lines`: one a line; `object`: in
    `envelope`. Set `[batching] max_events` too."""
    envelope: Any = None
    """With `batch = "object"`: a mapping of `{"items", "settings"}`, where the items are the bodies."""

    def over(self, other: "RequestDefinition") -> "RequestDefinition":
        """This one, with what it leaves open taken from another."""
        return RequestDefinition(
            method=self.method or other.method,
            url=self.url or other.url,
            headers={**other.headers, **self.headers},
            body=other.body if self.body is None else self.body,
            batch=self.batch or other.batch,
            envelope=other.envelope if self.envelope is None else self.envelope,
        )


class MappingDefinition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A section `[[mappings]]`: which events, and what becomes of them."""

    name: str
    """What it is called in reports; unique in its file."""
    trigger: str
    """Which events it takes, e.g. `type = "track" and event = "Order Completed"`."""
    payload: dict[str, Any]
    """What an event becomes, in Segment's mapping language."""
    request: RequestDefinition = RequestDefinition()
    """What differs from `[request]`."""


class Definition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file that defines a destination; it may also say how it is fed, in the words of `router.toml`."""

    kind: str
    """The word in `kind = "…"`."""
    description: str
    """What the destination does, in a sentence."""
    display_name: str = ""
    """What events call it in their integrations object; by default its kind with capitals."""
    other_names: tuple[str, ...] = ()
    """Further names by which events may call it; none by default."""
    default_enabled: bool = True
    """Whether it gets events that do not name it; by default it does."""
    events: tuple[EventType, ...] = ()
    """The types that it takes; all by default."""
    settings: dict[str, SettingDefinition] = field(default_factory=dict)
    """What the operator sets."""
    mappings: tuple[MappingDefinition, ...]
    """At least one; an event goes through each whose trigger it meets."""
    request: RequestDefinition = RequestDefinition()
    """What the requests of all mappings have in common."""
    idempotency_header: str = ""
    """The header in which the engine sends a key that stays the same, e.g. "Idempotency-Key"; none by default."""
    idempotency: str = "message_id"
    """That the service is told each event's message id; otherwise "none: " and the reason why it is not."""
    auth: dict[str, Any] | None = None
    """How requests are signed, e.g. `{ kind = "bearer", token = "{{settings.token}}" }`; not at all by default."""
