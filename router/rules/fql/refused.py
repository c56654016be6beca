"""What the reader of an expression says when it cannot be used."""

from router.errors import RouterError


class ExpressionRefused(RouterError):
    """An FQL expression or a trigger cannot be used; the message says where, what is wrong and what to write."""

    def __init__(self, problem: str, *, text: str = "", at: int | None = None) -> None:
        self.line: int | None = None
        self.column: int | None = None
        where = ""
        if at is not None:
            before = text[:at]
            self.line = before.count("\n") + 1
            self.column = at - before.rfind("\n")
            where = f"line {self.line}, " if "\n" in text else ""
            where += f"column {self.column}: "
        super().__init__(where + problem)

    @property
    def place(self) -> tuple[int, int] | None:
        """Line and column in the text, both from 1."""
        return None if self.line is None or self.column is None else (self.line, self.column)
