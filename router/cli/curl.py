"""The `curl` command that `router run` prints: works as printed, and a flag can be appended to it."""

import shlex

CALL = '{"userId":"u1","event":"Order Completed","properties":{"total":12.5}}'


def curl(url: str, write_key: str, reference: str | None = None) -> str:
    """A command that sends one track call to `url`, over several lines.

    A key that was given as a reference is not shown: the shell looks it up in the same place.
    """
    return " \\\n  ".join(
        [
            f"curl {shlex.quote(url + '/v1/track')}",
            f"-u {_user(write_key, reference)}",
            "-H 'Content-Type: application/json'",
            f"-d {shlex.quote(CALL)}",
        ]
    )


def shown_key(write_key: str, reference: str | None) -> str:
    """How a write key is shown: itself, or the reference that stands for it."""
    return reference or write_key


def _user(write_key: str, reference: str | None) -> str:
    """The key as the user of basic authentication, with an empty password."""
    scheme, _, name = (reference or "").partition(":")
    if scheme == "env" and name.isidentifier():
        return f'"${name}:"'
    if scheme == "file":
        return f'"$(cat {shlex.quote(name)}):"'
    if reference:
        return "'WRITE_KEY:'"
    return shlex.quote(write_key + ":")
