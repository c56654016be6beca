"""`router send`: one call over HTTP, as a client would make it."""

import json
import urllib.error
import urllib.request
from base64 import b64encode
from typing import Any
from uuid import uuid4

import click

from router.cli import configuration, output
from router.cli.failure import Failure
from router.events.calls import EVENT_TYPES

SECONDS = 10.0


class JsonObject(click.ParamType[dict[str, Any]]):
    """A JSON object on the command line."""

    name = "JSON"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, Any]:
        """Read the text."""
        try:
            decoded = json.loads(value)
        except ValueError as error:
            self.fail(f"is not JSON: {error}", param, ctx)
        if not isinstance(decoded, dict):
            self.fail("must be an object, e.g. '{\"total\": 12.5}'", param, ctx)
        return decoded


JSON = JsonObject()


@click.command()
@click.argument("type", type=click.Choice(EVENT_TYPES), metavar="TYPE")
@click.option("--user-id", help="Who did it, when you know who it is.")
@click.option("--anonymous-id", help="Who did it, when you do not.")
@click.option("--event", help="track: what was done.")
@click.option("--name", help="page, screen: which one.")
@click.option("--category", help="page, screen: its category.")
@click.option("--group-id", help="group: which account.")
@click.option("--previous-id", help="alias: the id that was used before.")
@click.option("--properties", type=JSON, help="track, page, screen: more about it, as a JSON object.")
@click.option("--traits", type=JSON, help="identify, group: more about them, as a JSON object.")
@click.option("--context", type=JSON, help="Where it happened, as a JSON object.")
@click.option("--message-id", help="The id of the message; a new one by default.")
@click.option("--timestamp", help="When it happened, as ISO 8601; now by default.")
@click.option("--source", help="The source whose write key is used; the first enabled one by default.")
@click.option("--write-key", help="The write key; by default the source's in the configuration.")
@click.option("--url", help="Where the router is; by default what the configuration says.")
@configuration.option
def send(
    type: str, source: str | None, write_key: str | None, url: str | None, file: str, **fields: Any
) -> None:
    """Send one call to a running router.

    TYPE is track, identify, page, screen, group or alias.
    """
    if not fields["user_id"] and not fields["anonymous_id"]:
        raise click.UsageError("say who did it: give --user-id or --anonymous-id")
    if url is None or write_key is None:
        from_config = _from_config(file, source)
        url, write_key = url or from_config[0], write_key or from_config[1]
    fields["message_id"] = fields["message_id"] or str(uuid4())
    call = {_camel(name): value for name, value in fields.items() if value is not None}
    _post(f"{url.rstrip('/')}/v1/{type}", write_key, call, url)
    output.line(f"accepted; messageId {fields['message_id']}")


def _from_config(file: str, name: str | None) -> tuple[str, str]:
    """The URL of the router and a write key, from the configuration."""
    config = configuration.read(file)
    enabled = [one for one in config.sources.values() if one.enabled and one.write_key]
    if name is not None:
        enabled = [one for one in config.sources.values() if one.name == name and one.write_key]
    if not enabled:
        what = (
            f"there is no source {name!r} with a write key"
            if name
            else "no source with a write key is enabled"
        )
        raise Failure(f"{what} in {file}; give --write-key, or add one", Failure.CONFIG)
    host = config.server.host
    if host in ("0.0.0.0", "::"):  # it listens everywhere, so also here
        host = "127.0.0.1"
    host = f"[{host}]" if ":" in host else host
    return f"http://{host}:{config.server.port}", enabled[0].write_key


def _post(address: str, write_key: str, call: dict[str, Any], url: str) -> None:
    request = urllib.request.Request(
        address,
        data=json.dumps(call).encode(),
        headers={
            "Content-Type": "application/json",
            "Authorization": "Basic " + b64encode(f"{write_key}:".encode()).decode(),
        },
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=SECONDS):
            return
    except urllib.error.HTTPError as error:
        with error:
            raise Failure(f"refused with {error.code}: {_reason(error.read(4096))}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        message = f"no router answers at {url} ({reason}); start one with `router run`, or name it with --url"
        raise Failure(message, Failure.UNAVAILABLE) from None


def _reason(body: bytes) -> str:
    """What the router says of a refusal."""
    try:
        answer = json.loads(body)
        return output.printable(f"{answer['code']}: {answer['message']}")
    except (ValueError, KeyError, TypeError):
        return output.printable(body.decode("utf-8", "replace")) or "no reason given"


def _camel(name: str) -> str:
    """`user_id` as the protocol writes it: `userId`."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
