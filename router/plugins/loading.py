"""What a plugin raises while it is loaded, said so that the operator knows which plugin and what to do."""

import inspect
from types import TracebackType

from router.errors import PluginError, RouterError


class Loading:
    """Around foreign code that runs at assembly: whatever it raises becomes a PluginError with name and remedy."""

    def __init__(self, said: str, remedy: str) -> None:
        self._said = said
        self._remedy = remedy

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, (Exception, SystemExit)) and not isinstance(error, RouterError):
            where = code_line(error)
            raise PluginError(
                f"{self._said} cannot be loaded: {type(error).__name__}: {error}{where}; {self._remedy}"
            ) from error


def code_file(cls: type) -> str:
    """Where a plugin's code stands; empty where that is not known."""
    try:
        return inspect.getsourcefile(cls) or ""
    except (OSError, TypeError):
        return ""


def code_line(error: BaseException) -> str:
    """The deepest line of code that raised, as ` at file:line`; for a plugin it is usually its own."""
    if isinstance(error, SyntaxError):
        return ""  # its own text names the line
    trace = error.__traceback__
    found = ""
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if not file.startswith("<"):
            found = f" at {file}:{trace.tb_lineno}"
        trace = trace.tb_next
    return found
