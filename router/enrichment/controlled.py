"""The step that applies a source's schema controls."""

from router.enrichment.processing import Aside
from router.events.calls import AnyEvent
from router.plugins.dropped import Dropped
from router.rules.controls import EVENT_SETTING, Control, SchemaControls


class Controlled:
    """Drops or trims what the source's controls name; a blocked event is counted and not kept."""

    def __init__(self, controls: SchemaControls) -> None:
        self._control = Control(controls)

    def __call__(self, event: AnyEvent, aside: Aside) -> AnyEvent | Dropped:
        """The event as it goes on, or why it does not."""
        made = self._control(event)
        return Dropped(EVENT_SETTING) if made is None else made
