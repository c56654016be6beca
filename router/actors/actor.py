"""An actor: one task, one job, started and stopped by a supervisor."""

from abc import ABC, abstractmethod


class Actor(ABC):
    """Runs until it is told to stop; when `run` raises, the supervisor starts it again.

    State that must survive a restart of the actor lives in the store, never in the actor.
    """

    name: str
    """Shown in logs and errors, e.g. "ingestion" or "delivery crm"."""

    @abstractmethod
    async def run(self) -> None:
        """Do the work until cancelled. It is called again after a crash."""

    async def stop(self) -> None:
        """Finish or give back what is in flight; called before `run` is cancelled, under a time limit."""
