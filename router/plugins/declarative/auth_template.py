"""The `auth` of a declarative destination: a kind of signing whose values are templates of settings."""

from collections.abc import Mapping
from typing import Any

import msgspec

from router.plugins.auth import AUTH_KINDS, Auth
from router.plugins.settings import setting_hook
from router.rules.mapping.template import fill, read_template


def declared_auth(declared: Mapping[str, Any], settings: Mapping[str, Any]) -> Auth:
    """The kind that is declared, with its values filled in; raises msgspec.ValidationError when they do not fit."""
    values = {
        key: fill(tuple(read_template(value)), {"settings": settings}) if isinstance(value, str) else value
        for key, value in declared.items()
        if key != "kind"
    }
    kind = AUTH_KINDS.get(str(declared.get("kind")))
    if kind is None:
        raise msgspec.ValidationError(f"kind must be one of {', '.join(AUTH_KINDS)}")
    made: Auth = msgspec.convert(values | {"kind": declared["kind"]}, kind, dec_hook=setting_hook)
    return made
