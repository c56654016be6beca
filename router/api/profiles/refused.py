"""A request of the Profile API that is refused, and the one shape of its errors."""

from collections.abc import Mapping

import msgspec

from router.api.exchange import HttpAnswer

INVALID = "invalid_request_error"
"""The code of a request that cannot be understood."""
WRONG_VALUE = "validation_error"
"""The code of a parameter that has a wrong value."""


class ProfileRequestRefused(Exception):
    """Ends a request with an error; `code` is one of the documented words."""

    def __init__(
        self, status: int, code: str, message: str, *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}

    def answer(self) -> HttpAnswer:
        """The error as an answer."""
        body = msgspec.json.encode({"error": {"code": self.code, "message": self.message}})
        return HttpAnswer(status=self.status, body=body, headers=self.headers, is_public=False)


def unknown_profile() -> ProfileRequestRefused:
    """What is answered for an identifier that no profile of the collection has."""
    return ProfileRequestRefused(404, "not_found", "Profile was not found.")
