"""Post messages to a Slack channel; slack.toml beside this file is the whole destination."""

from pathlib import Path
from typing import Any

from router import Destination, hookimpl, read_destination


@hookimpl
def register_destinations() -> list[type[Destination[Any, Any]]]:
    """Register Slack."""
    return [read_destination(Path(__file__).with_suffix(".toml"))]
