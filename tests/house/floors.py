"""The floors of the house: what stands on which, and who may import what."""

from collections.abc import Iterable, Iterator, Mapping

from tests.house.tree import Module, imports, is_within

STAGES = ("router.ingestion", "router.enrichment", "router.identity", "router.delivery")

FLOORS: tuple[tuple[str, ...], ...] = (
    (
        "router.actors",
        "router.events",
        "router.errors",
        "router.telemetry.signals",
        "router.telemetry.happenings",
        "router.telemetry.side_happenings",
    ),
    ("router.rules", "router.storage", "router.plugins", "router.javascript"),
    (*STAGES, "router.assembly.progress"),
    (
        "router.storage.sqlite",
        "router.storage.memory",
        "router.api",
        "router.admin",
        "router.replay",
        "router.telemetry",
    ),
    (
        "router",
        "router.app",
        "router.assembly",
        "router.cli",
        "router.config",
        "router.embedding",
        "router.testing",
    ),
)
"""From the ground up. The longest name that fits decides: `router.storage.store` is a contract, on the second floor."""

OUTSIDE: Mapping[str, tuple[str, ...]] = {
    "aiohttp": (
        "router.api",
        "router.embedding",
        "router.delivery.sending.http",
        "router.testing",
        "router.cli",
    ),
    "aiosqlite": ("router.storage.sqlite",),
    "sqlite3": ("router.storage.sqlite",),
    "pluggy": ("router.plugins.registry", "router.plugins.hookspecs"),
}
"""Packages that only these modules know."""


def floor_of(name: str) -> int | None:
    """The floor of a module, or None when the module is not of this house."""
    best, found = "", None
    for number, packages in enumerate(FLOORS):
        for package in packages:
            fits = name == "router" if package == "router" else is_within(name, package)
            if fits and len(package) > len(best):
                best, found = package, number
    return found


def climbing_imports(modules: Iterable[Module]) -> Iterator[str]:
    """Imports that point up, and modules of `router` that stand on no floor."""
    everything = list(modules)
    known = [module.name for module in everything]
    for module in everything:
        own = floor_of(module.name)
        if own is None:
            yield f"{module.path}: {module.name} stands on no floor; add it to FLOORS in tests/house/floors.py"
            continue
        for imported in imports(module, known):
            floor = floor_of(imported.name)
            if floor is not None and floor > own:
                yield f"{module.path}:{imported.line}: imports {imported.name}, which stands higher"


def imports_between_stages(modules: Iterable[Module]) -> Iterator[str]:
    """Imports of one stage by another; `router/app.py` joins them."""
    for module in modules:
        own = _stage_of(module.name)
        for imported in imports(module) if own else ():
            other = _stage_of(imported.name)
            if other and other != own:
                yield f"{module.path}:{imported.line}: stage {own} imports stage {other}"


def _stage_of(name: str) -> str | None:
    return next((stage for stage in STAGES if is_within(name, stage)), None)


def strangers(modules: Iterable[Module]) -> Iterator[str]:
    """Imports of an outside package where the house does not know it."""
    for module in modules:
        for imported in imports(module):
            owners = OUTSIDE.get(imported.name.split(".")[0])
            if owners and not any(is_within(module.name, owner) for owner in owners):
                yield f"{module.path}:{imported.line}: imports {imported.name}; only {', '.join(owners)} may"


def plugins_behind_the_door(modules: Iterable[Module]) -> Iterator[str]:
    """Bundled plugins that import more of the engine than the public door."""
    for module in modules:
        for imported in imports(module):
            if imported.name.startswith("router."):
                yield f"{module.path}:{imported.line}: imports {imported.name}; a plugin imports only `router`"
