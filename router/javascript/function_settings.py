"""What an operator says of a function, wherever it is used."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from msgspec import field

from router.errors import PluginError
from router.javascript.program import HANDLERS, Program
from router.plugins.settings import Duration, FileText, Secret, Settings, Size

_ASKING = re.compile(r"\b(fetch|RetryError)\b")
"""Also in a comment, which costs nothing but time; `require("node-fetch")` is seen by its second word."""


class FunctionSettings(Settings, frozen=True):
    """Which function, with what settings and limits."""

    file: FileText | None = None
    """The JavaScript file, relative to the working directory, e.g. "functions/crm.js"."""
    code: str = ""
    """The JavaScript itself, instead of a file."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What the function gets as its second argument; nothing by default."""
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    """More of that, which is shown nowhere, e.g. { apiKey = "env:CRM_KEY" }."""
    time_limit: Duration = Duration(0.25)
    """How long the function may compute, between two requests; a call that takes longer is cut off."""
    memory_limit: Size = Size(64 << 20)
    """How large its memory may become; a call that makes it larger is cut off."""

    handlers: ClassVar[Sequence[str]] = HANDLERS
    """Names of the functions that the file may have."""
    around: ClassVar[str] = ""
    """More of what it finds around itself, as `Program` takes it."""

    def __post_init__(self) -> None:
        """Refuse what cannot be loaded, with the line and the column."""
        if (self.file is None) == (not self.code):
            raise ValueError('it needs either file or code; write e.g. settings.file = "functions/crm.js"')
        if not 0 < self.time_limit <= 5:
            raise ValueError(f"time_limit = {self.time_limit:g} s is not within 0 s and 5 s")
        if self.memory_limit < 8 << 20:
            raise ValueError("memory_limit leaves no room to work; give it 8MiB at least")
        try:
            program = self.program()
        except PluginError as error:
            raise ValueError(str(error)) from None
        program.close()
        if not program.handlers:
            raise ValueError(
                f"it has no handler; write a function of one of the names {', '.join(self.handlers)}"
            )

    @property
    def may_ask(self) -> bool:
        """Whether the text has a word in it by which a function asks others, or asks to be tried again."""
        return _ASKING.search(self.code if self.file is None else str(self.file)) is not None

    def program(self, *, fetch_refused: str | None = None) -> Program:
        """The function, loaded; raises PluginError."""
        hidden = {name: secret.reveal() for name, secret in self.secrets.items()}
        return Program(
            self.code if self.file is None else str(self.file),
            name="" if self.file is None else self.file.path,
            settings={**self.settings, **hidden},
            seconds=float(self.time_limit),
            memory=int(self.memory_limit),
            fetch_refused=fetch_refused,
            handlers=self.handlers,
            around=self.around,
        )
