"""The verb `reload`: have a router read its configuration again, and hear what came of it."""

from msgspec import Struct

from router.admin.verbs import Nothing, Verb


class Reloaded(Struct, frozen=True, kw_only=True):
    """What a reload did, by the names of destinations; or why it did nothing."""

    problems: tuple[str, ...] = ()
    """Why the configuration was refused; then everything is as before."""
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    """Sources that were added, removed or changed."""
    failed: dict[str, str] = {}
    """Destinations that could not be changed over, with the reason; they go on as they were."""
    needs_restart: tuple[str, ...] = ()
    """Options that changed and that only a restart can apply."""


RELOAD: Verb[Nothing, Reloaded] = Verb("reload", Nothing, Reloaded)
