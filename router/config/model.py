"""What can be configured, section by section. The string under each field is its page in the reference."""

from collections.abc import Iterable, Iterator, Mapping, Set
from typing import Any, Literal

from msgspec import Struct, field
from msgspec.structs import fields

from router.config.identity import IdentityConfig
from router.config.spaces import SpaceConfig
from router.events.source import Source
from router.plugins.auth import Auth
from router.plugins.destination import Destination
from router.plugins.enricher import Enricher
from router.plugins.policies import Policies
from router.plugins.registry import PluginsConfig
from router.plugins.settings import Duration, Secret, Settings, Size
from router.plugins.source import WayIn
from router.plugins.transformation import Transformation
from router.rules.addressee import Addressee
from router.rules.consent import Category
from router.rules.controls import SchemaControls
from router.rules.filters.definition import FilterDefinition
from router.rules.fql.filter import Filter
from router.rules.plan.enforcement import Enforcement
from router.rules.plan.plan import Plan
from router.rules.privacy.actions import ActionName
from router.rules.privacy.matchers import Matcher
from router.rules.schema_filter import IntegrationFilter, Key

Retirement = Literal["drain", "expire"]
"""How a destination leaves: after what waits for it was sent, or at once."""


class ServerConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The section `[server]`: the doors."""

    host: str = "127.0.0.1"
    """Address to listen on. The default takes calls from this machine only; "0.0.0.0" takes them from everywhere."""
    port: int = 8080
    """Port to listen on; 0 takes any free one."""
    region: Literal["us", "eu"] = "us"
    """The region that this router serves; clients learn it from their settings."""
    public_url: str | None = None
    """How clients reach the router, e.g. "https://collect.example.com"; by default what they wrote in `Host`."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks of proxies whose `X-Forwarded-For` is believed, e.g. ["10.0.0.0/8"]. None by default."""
    strict_write_keys: bool = False
    """Answer 401 to an unknown write key. By default it is answered 200 and counted, as Segment does."""
    event_limit: Size = Size(32_768)
    """Most bytes of one event, as compact JSON."""
    batch_limit: Size = Size(516_096)
    """Most bytes of a batch request: 512,000 of events and 4,096 around them."""
    request_timeout: Duration = Duration(55)
    """How long a request may take to arrive, head and body."""
    watch: bool = True
    """Whether a change of this file, of files behind secrets and of plugins' folders is applied at once. By default it
    is; otherwise on SIGHUP or `router reload`, which always work."""
    analytics_js: str | None = None
    """Folder with the build of analytics.js to serve; by default the one that `make install` fetched, if it did."""


class StorageConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The section `[storage]`: where events are kept, and how much of them."""

    kind: str = "sqlite"
    """Which store: "sqlite", one "memory" for trying things out, or one that a plugin brings."""
    path: str = "data/router.db"
    """The file of the store, relative to the working directory; its folder is made."""
    inbox_budget: Size = Size(10 * 2**30)
    """Most bytes of accepted requests that wait for processing; above that the door answers 503."""
    stream_budget: Size = Size(20 * 2**30)
    """Most bytes of processed events; above that the oldest expire for the destinations that lag behind."""
    side_budget: Size = Size(2 * 2**30)
    """Most bytes of webhook requests, and of events, that wait for functions; above that what would wait is answered
    503."""
    retention: Duration = Duration(86400)
    """How long events are kept at least, for replay, also when every destination is done with them."""
    dead_letter_retention: Duration = Duration(30 * 86400)
    """How long dead letters are kept, to be looked at and sent again; the default is 30 days."""
    dedupe_window: Duration = Duration(86400)
    """How long the store remembers message ids: the longest `dedupe_window` of the sources; not a key of its own."""
    free_floor: Size = Size(256 * 2**20)
    """Free space of the disk below which nothing is accepted; 0 switches the check off."""
    ballast: Size = Size(64 * 2**20)
    """A file of this size is released when the disk is full, so that deliveries go on; 0 does without."""
    tail_bytes: Size = Size(16 * 2**20)
    """Memory for the newest events, which destinations that keep up read without touching the disk."""
    cache_bytes: Size = Size(12 * 2**20)
    """Memory for older events that were read from the disk, shared by all destinations."""


class SourceConfig(Source, frozen=True, kw_only=True):
    """A section `[sources.NAME]`: who sends. Its `repr` hides the write key and the settings.

    `[sources.embedded]` says what becomes of the calls that an embedding program makes itself, and has no write key.
    """

    name: str
    """The word after `sources.`; not a key of its own."""
    write_key: str
    """The key that clients send: itself, or a reference such as "env:WEBSITE_WRITE_KEY" or "file:/run/secrets/key".
    Only a source with a `kind` may do without: then no client can reach it. Of one that takes a vendor's requests it is
    the secret in their URL."""
    enabled: bool = True
    """Whether its calls are taken; those of a disabled source are answered 200, counted and dropped."""
    dedupe_window: Duration = Duration(86400)
    """A message id that comes again within this time is dropped. The default is 24 h, as Segment's."""
    region: Literal["us", "eu"] | None = None
    """Where its data must stay; by default the server's region. In another one its write key is an unknown one."""
    integration_filters: tuple[IntegrationFilter, ...] = ()
    """Sections `[[sources.NAME.integration_filters]]`: events that some destinations do not get. None by default."""
    kind: str | None = None
    """Which plugin brings its calls in; `router plugins` lists them. By default only clients send."""
    settings: Settings | None = None
    """What the plugin needs, under `settings.`; `router plugins` names its file, where each setting is explained."""
    interval: Duration | None = None
    """How long the plugin rests when it has read everything; by default as it declares."""
    cls: type[WayIn[Any]] | None = None
    """The plugin's class; not a key of its own."""
    plan: str | None = None
    """The tracking plan that its events are held to, of a section `[plans.NAME]`; by default none."""
    enforcement: Enforcement = Enforcement()
    """What becomes of events that differ from the plan; by default they pass, with what is wrong written
    into them."""
    schema: SchemaControls = SchemaControls()
    """Events and traits that are not wanted, for a source without a plan; by default everything is."""
    enrich: tuple[str, ...] = ()
    """What is added to the context of its events where it is absent, e.g. ["geo", "user_agent"]; nothing by default.
    `router plugins` lists the kinds. Where two add the same, the first one's is taken."""
    privacy: Mapping[str, ActionName] = field(default_factory=dict)
    """What becomes of personal data, by class or path: { red = "block", "traits.email" = "hash" }. "block" removes the
    field, "hash", "mask" and "encrypt" put text in its place; before anything is kept. By default nothing."""

    def plugin(self) -> WayIn[Any]:
        """A new instance of the plugin with these settings; only where there is one."""
        assert self.cls is not None
        return self.cls(self.settings, name=self.name)

    def __repr__(self) -> str:
        shown = f"name={self.name!r}, kind={self.kind!r}, enabled={self.enabled!r}"
        return f"SourceConfig({shown}, write_key=***, settings=***)"


class PlanConfig(Struct, frozen=True, kw_only=True):
    """A section `[plans.NAME]`: a tracking plan."""

    name: str
    """The word after `plans.`."""
    file: str
    """The plan as JSON, e.g. "plans/shop.json", relative to the working directory: rules as the Public API lists them,
    or a plan that Segment exported. A change of the file is applied at once."""
    plan: Plan
    """What is in the file."""

    def __repr__(self) -> str:
        return f"PlanConfig(name={self.name!r}, file={self.file!r})"


class PrivacyConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The section `[privacy]`: where it stands, fields with personal data are looked for."""

    red: tuple[str, ...] = ()
    """Fields that are red, by name, e.g. "ssn", or by path, e.g. "properties.card.number"; lists have no index."""
    yellow: tuple[str, ...] = ()
    """Fields that are yellow."""
    green: tuple[str, ...] = ()
    """Fields that hold no personal data, whatever they look like."""
    secret: Secret = Secret("")
    """What digests are made with, where a source hashes; the same secret makes the same digests."""
    key: Secret = Secret("")
    """Base64 of the 32 bytes that values are encrypted with, where a source encrypts."""
    look_every: int = 64
    """Of each name, the first 16 events are looked at, and then one in so many; 1 looks at all."""
    alerts: str | None = None
    """A source on which a call "Unclassified Field Found" appears for each new field; by default none."""
    matchers: tuple[Matcher, ...] = ()
    """Those of one's own, from the sections `[privacy.matchers.NAME]`."""

    @property
    def colours(self) -> Mapping[str, str]:
        """The colour of each classified field."""
        return {field: colour for colour in ("red", "yellow", "green") for field in getattr(self, colour)}


class TransformationConfig(Struct, frozen=True, kw_only=True):
    """A section `[transformations.NAME]`: what changes or drops events. Its `repr` hides the settings."""

    name: str
    """The word after `transformations.`."""
    kind: str
    """Which plugin; `router plugins` lists them."""
    cls: type[Transformation[Any, Any]]
    """The plugin's class."""
    sources: tuple[str, ...] = ()
    """Sources whose events it changes before they are kept, for every destination alike."""
    destinations: tuple[str, ...] = ()
    """Destinations for which it changes events before they are sent; what is kept stays as it was."""
    settings: Settings
    """What the plugin needs, under `settings.`."""
    examples: tuple[Mapping[str, Any], ...] = ()
    """Events and what becomes of them, in [[transformations.NAME.examples]]; `router test` tries them."""

    def transformation(self) -> Transformation[Any, Any]:
        """A new instance of the plugin with these settings."""
        return self.cls(self.settings, name=self.name)

    def __repr__(self) -> str:
        return f"TransformationConfig(name={self.name!r}, kind={self.kind!r}, settings=***)"


class EnrichmentConfig(Struct, frozen=True, kw_only=True):
    """A section `[enrichments.KIND]`, or none where the plugin needs no settings. Its `repr` hides the settings."""

    kind: str
    """The word after `enrichments.`: which plugin, as `enrich` of a source names it."""
    settings: Settings
    """What the plugin needs, right in the section."""
    enricher: Enricher[Any]
    """The plugin with these settings, made when the configuration was read; it remembers nothing of events."""

    def __repr__(self) -> str:
        return f"EnrichmentConfig(kind={self.kind!r}, settings=***)"


class DestinationConfig(Struct, frozen=True, kw_only=True):
    """A section `[destinations.NAME]`: who gets events. Its `repr` hides the settings."""

    name: str
    """The word after `destinations.`."""
    kind: str
    """Which plugin; `router plugins` lists them."""
    cls: type[Destination[Any, Any]]
    """The plugin's class."""
    sources: frozenset[str] | None = None
    """Names of the sources whose events it gets; by default those of all."""
    integration: str | None = None
    """What events call it in their integrations object, e.g. "Mixpanel"; by default as its plugin says."""
    filter: Filter | None = None
    """FQL: only events for which it is true are delivered, e.g. 'event = "Order Completed"'; by default all are."""
    filters: tuple[FilterDefinition, ...] = ()
    """Sections `[[destinations.NAME.filters]]`, at most ten: what drops, samples or shortens some of its events."""
    failure_log: bool = False
    """Whether attempts that failed are logged, with request and answer, in files under `[logging] failure_logs`."""
    settings: Settings
    """What the plugin needs, under `settings.`; `router plugins` names its file, where each setting is explained."""
    backfill: Duration | None = None
    """Which events of before it was added a new destination gets: those of the last "30d", or, with true, all that
    are kept. By default none. It says where a destination begins, once; later changes of it do nothing."""
    policies: Policies
    """What the plugin declares about `batching`, `rate`, `concurrency`, `retry`, `ordering`, and what is set here."""
    renamed_from: str | None = None
    """The name it had before: it goes on from where that one stood, with its counters. It may stay here for good."""
    retire: Retirement | None = None
    """Takes it out of service: "drain" sends what waits for it, "expire" gives that up. Later, remove the section."""
    auth: Auth | None = None
    """How requests are signed, e.g. { kind = "bearer", token = "env:TOKEN" }; by default as the plugin declares."""

    transformations: tuple[TransformationConfig, ...] = ()
    """What changes its events, in the order of the file; they name it in sections of their own."""
    categories: frozenset[str] = frozenset()
    """The enabled consent categories that name it."""
    switched_off: frozenset[Key] = frozenset()
    """What sources do not send it, by their integration filters."""

    @property
    def addressee(self) -> Addressee:
        """How events call it, and what it is exempt from."""
        cls = self.cls
        names = cls.integration_names()
        return Addressee(
            id=self.name,
            kind=self.kind,
            names=(self.integration,) if self.integration else names,
            category=cls.category,
            is_enabled=cls.default_enabled,
            is_told_of_consent=cls.chooses(),
        )

    def destination(self) -> Destination[Any, Any]:
        """A new instance of the plugin with these settings."""
        made = self.cls(self.settings, name=self.name)
        made.answer_to(self.addressee.names)
        return made

    def __repr__(self) -> str:
        return f"DestinationConfig(name={self.name!r}, kind={self.kind!r}, settings=***)"


class ConsentConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The section `[consent]`: what end users may consent to."""

    categories: Mapping[str, Category] = field(default_factory=dict)
    """The categories by id, which is what the clients' consent tool calls them."""


class LoggingConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The section `[logging]`: what `router run` writes to standard error."""

    format: Literal["console", "json"] = "console"
    """"console" for people, "json" for machines: one object a line."""
    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least serious lines that are written."""
    failure_logs: str = "data/failures"
    """Folder of the failure logs of destinations that have one: a file for each hour, kept for 28 days."""


class Outline(Struct, frozen=True):
    """The names of a configuration; whether the rest of it is good is not known."""

    workspaces: Mapping[str, str]
    """The sources, each with its workspace."""
    destinations: tuple[str, ...]
    """The destinations."""
    connected: Mapping[str, tuple[str, ...] | None] = {}
    """The sources that each destination names, None for all."""
    colours: Mapping[str, str] | None = None
    """The colour of each field that people have classified; None where nothing is looked for."""


class Config(Struct, frozen=True, kw_only=True):
    """A whole configuration, checked; `router.config.load.load` makes it."""

    server: ServerConfig = ServerConfig()
    """The doors."""
    storage: StorageConfig = StorageConfig()
    """The store."""
    sources: Mapping[str, SourceConfig] = field(default_factory=dict)
    """The sources by name."""
    plans: Mapping[str, PlanConfig] = field(default_factory=dict)
    """The tracking plans by name."""
    destinations: Mapping[str, DestinationConfig] = field(default_factory=dict)
    """The destinations by name."""
    transformations: Mapping[str, TransformationConfig] = field(default_factory=dict)
    """The transformations by name, in the order of the file."""
    consent: ConsentConfig = ConsentConfig()
    """What end users may consent to."""
    enrichments: Mapping[str, EnrichmentConfig] = field(default_factory=dict)
    """The enrichments by kind."""
    privacy: PrivacyConfig | None = None
    """Which fields hold personal data; without it, nothing is looked for."""
    identity: IdentityConfig | None = None
    """The profiles; None where there are none."""
    spaces: Mapping[str, SpaceConfig] = field(default_factory=dict)
    """Who may ask for profiles, by workspace."""
    plugins: PluginsConfig = PluginsConfig()
    """Where plugins come from."""
    logging: LoggingConfig = LoggingConfig()
    """What is logged."""
    references: Mapping[str, str] = field(default_factory=dict)
    """Key paths whose value was given as a reference, e.g. `sources.website.write_key` → `env:WEBSITE_WRITE_KEY`."""

    def hidden(self, destination: str, text: str) -> str:
        """`text` without the secrets of the destination of that name, if there is one."""
        section = self.destinations.get(destination)
        return text if section is None else self.without_secrets(section, text)

    def without_secrets(
        self, section: DestinationConfig | SourceConfig | TransformationConfig, text: str
    ) -> str:
        """`text` with `***` for each value of the section's settings that is, or was referred to as, a secret.

        Those of a destination's transformations too: what they put into an event is in its requests.
        """
        values: set[str] = set()
        tables = {DestinationConfig: "destinations", SourceConfig: "sources"}
        what = tables.get(type(section), "transformations")
        parts: dict[str, object] = {f"{what}.{section.name}.settings.": section.settings}
        if isinstance(section, DestinationConfig):
            parts[f"{what}.{section.name}.auth."] = section.auth
            parts |= {
                f"transformations.{one.name}.settings.": one.settings for one in section.transformations
            }
        for begin, part in parts.items():
            named = {key.removeprefix(begin) for key in self.references if key.startswith(begin)}
            values.update(_secret_values(part, "", named))
        for value in sorted(values - {""}, key=len, reverse=True):
            text = text.replace(value, "***")
        return text


def _secret_values(value: object, path: str, named: Set[str]) -> Iterator[str]:
    """Every secret in `value`: of the type Secret, or at a key path in `named`."""
    if isinstance(value, Secret):
        yield value.reveal()
    elif isinstance(value, str):
        if path in named:
            yield value
    else:
        for name, member in _members(value):
            yield from _secret_values(member, f"{path}.{name}" if path else str(name), named)


def _members(value: object) -> Iterable[tuple[object, object]]:
    if isinstance(value, Struct):
        return ((one.encode_name, getattr(value, one.name)) for one in fields(type(value)))
    if isinstance(value, Mapping):
        return value.items()
    return enumerate(value) if isinstance(value, (list, tuple)) else ()
