"""What goes wrong with JavaScript."""

from router.errors import PluginError


class ScriptFailed(PluginError):
    """JavaScript was thrown, or cannot be read; `line` and `column` say where, if that is known."""

    def __init__(self, message: str, *, line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


class LimitExceeded(PluginError):
    """A call took more time or memory than it may, and was cut off."""


class EngineMissing(PluginError):
    """The JavaScript engine is not installed."""
