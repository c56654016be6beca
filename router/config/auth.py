"""Reads `auth = { kind = "…", … }` of a destination: how its requests are signed, whatever the plugin declares."""

from collections.abc import Mapping

from router.config.convert import Converter
from router.config.problems import Path, Problems, did_you_mean
from router.config.secrets import References
from router.plugins.auth import AUTH_KINDS, Auth


def read_auth(data: object, path: Path, references: References, problems: Problems) -> Auth | None:
    """The declared kind with its values, references resolved; None when something of it is wrong."""
    example = 'write e.g. auth = { kind = "bearer", token = "env:TOKEN" }'
    if not isinstance(data, Mapping):
        problems.add(path, "must be a section", example)
        return None
    kind = data.get("kind")
    if kind not in AUTH_KINDS:
        if isinstance(kind, str):
            problems.add((*path, "kind"), f'cannot be "{kind}"', did_you_mean(kind, AUTH_KINDS))
        else:
            problems.add((*path, "kind"), "is missing", example)
        return None
    given = {key: value for key, value in data.items() if key != "kind"}
    return Converter(problems, references).section(AUTH_KINDS[kind], given, path)
