"""A space as the Profile API sees it: whose profiles they are, and who may ask for them."""

from hmac import compare_digest

from msgspec import Struct

from router.plugins.settings import Secret


class Space(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The profiles of one workspace."""

    name: str
    """The workspace."""
    tokens: tuple[Secret, ...] = ()
    """Any of them opens the door."""
    delete_identifiers: bool = False
    """Whether an identifier may be taken from a profile."""
    list_profiles: bool = False
    """Whether all profiles may be listed."""

    def is_opened_by(self, token: str) -> bool:
        """Whether this is one of the tokens; how long that takes says nothing about them."""
        given = token.encode(errors="surrogateescape")
        return any([compare_digest(one.reveal().encode(), given) for one in self.tokens])
