"""The transformation `steps`: what an operator writes down, done to every event."""

from collections.abc import Iterable
from typing import Any

from msgspec import field

from router.events.calls import AnyEvent
from router.plugins.dropped import Dropped
from router.plugins.hookspecs import hookimpl
from router.plugins.settings import Settings
from router.plugins.transformation import Transformation
from router.rules.changes.draft import Draft
from router.rules.changes.refused import ChangeRefused
from router.rules.changes.step import Step, compile_condition, compile_steps, profile_paths_of
from router.rules.profile_paths import paths_of_condition


class StepsSettings(Settings, frozen=True):
    """What happens to an event."""

    steps: tuple[Step, ...]
    """One after the other, each with an `if` of its own if you like: rename, drop, hash, mask, set, cast, allow,
    sample or route; `router/rules/changes/step.py` shows them all."""
    condition: str = field(name="if", default="all")
    """FQL: only events for which it is true are changed, e.g. 'event = "Order Completed"'; by default all are."""

    def __post_init__(self) -> None:
        """Refuse what could not be done."""
        try:
            compile_steps(self.steps)
            compile_condition(self.condition)
        except ChangeRefused as error:
            raise ValueError(str(error)) from None
        if not self.steps:
            raise ValueError("steps: there is none; write one")


class Steps(Transformation[StepsSettings, AnyEvent]):
    """Rename, remove, hash, mask, set or convert fields of events; drop, sample or route events."""

    kind = "steps"
    is_bounded = True
    sample = (
        'sources = ["website"]\nsettings.steps = [{ drop = ["context.ip"] }, { hash = ["traits.email"] }]\n'
    )

    def __init__(self, settings: StepsSettings, *, name: str) -> None:
        super().__init__(settings, name=name)
        self._change = compile_steps(settings.steps)
        condition = compile_condition(settings.condition)
        self._holds = None if condition is None else condition.matches

    @classmethod
    def profile_paths(cls, settings: Settings) -> Iterable[tuple[str, ...]]:
        """What conditions and values look at."""
        assert isinstance(settings, StepsSettings)
        return [*paths_of_condition(settings.condition), *profile_paths_of(settings.steps)]

    def transform(self, event: AnyEvent) -> AnyEvent | Dropped:
        """The event after all steps, or why it is dropped."""
        if self._holds is not None and not self._holds(event):
            return event
        draft = Draft(event)
        reason = self._change(draft)
        return Dropped(reason) if reason else draft.finish()


@hookimpl
def register_transformations() -> list[type[Transformation[Any, Any]]]:
    """Register the transformation."""
    return [Steps]
