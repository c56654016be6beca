"""`router send` makes the call that a client would make."""

import json
import threading
from base64 import b64decode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from click.testing import CliRunner, Result

from router.cli.main import main


class Door(BaseHTTPRequestHandler):
    """Answers as it is told, and keeps what it got."""

    status: ClassVar[int]
    answer: ClassVar[bytes]
    got: ClassVar[list[tuple[str, str, dict[str, Any]]]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        user = b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode()
        self.got.append((self.path, user, json.loads(body)))
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""


class Service:
    """A door on a free port."""

    def __init__(self) -> None:
        self.kind = type("OneDoor", (Door,), {"status": 200, "answer": b'{"success":true}', "got": []})
        self.server = HTTPServer(("127.0.0.1", 0), self.kind)
        self.port = self.server.server_address[1]

    @property
    def call(self) -> dict[str, Any]:
        [(_, _, call)] = self.kind.got  # type: ignore[attr-defined]
        return call  # type: ignore[no-any-return]


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    thread = threading.Thread(target=service.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield service
    service.server.shutdown()
    thread.join()
    service.server.server_close()


@pytest.fixture
def config(service: Service, tmp_path: Path) -> Path:
    file = tmp_path / "router.toml"
    file.write_text(
        f"[server]\nhost = '0.0.0.0'\nport = {service.port}\n[sources.off]\nwrite_key = 'wk_off'\nenabled = false\n"
        "[sources.web]\nwrite_key = 'wk_web'\n[sources.app]\nwrite_key = 'wk_app'\n"
    )
    return file


def send(config: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["send", *arguments, "--config", str(config)])


def test_a_call_goes_to_the_router_of_the_configuration_with_the_first_enabled_key(
    config: Path, service: Service
) -> None:
    result = send(config, "track", "--user-id", "u1", "--event", "Bought", "--properties", '{"total": 12.5}')

    assert result.exit_code == 0
    [(path, user, call)] = service.kind.got  # type: ignore[attr-defined]
    assert (path, user) == ("/v1/track", "wk_web:")
    assert (call["userId"], call["event"], call["properties"]) == ("u1", "Bought", {"total": 12.5})


def test_the_message_id_is_said(config: Path, service: Service) -> None:
    result = send(config, "identify", "--user-id", "u1", "--traits", '{"plan": "pro"}')

    assert service.call["messageId"] in result.output


def test_options_have_the_names_of_the_protocol(config: Path, service: Service) -> None:
    send(
        config,
        "alias",
        "--user-id",
        "u1",
        "--previous-id",
        "a1",
        "--anonymous-id",
        "a2",
        "--message-id",
        "m1",
    )

    assert service.call == {"userId": "u1", "previousId": "a1", "anonymousId": "a2", "messageId": "m1"}


def test_a_source_can_be_named(config: Path, service: Service) -> None:
    send(config, "page", "--anonymous-id", "a1", "--source", "app")

    assert service.kind.got[0][1] == "wk_app:"  # type: ignore[attr-defined]


def test_no_configuration_is_needed_with_a_url_and_a_key(tmp_path: Path, service: Service) -> None:
    url = f"http://127.0.0.1:{service.port}/"

    result = send(tmp_path / "none.toml", "page", "--user-id", "u1", "--url", url, "--write-key", "wk")

    assert result.exit_code == 0


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            b'{"success":false,"code":"invalid_json","message":"not JSON"}',
            "refused with 400: invalid_json: not JSON",
        ),
        (b"plain \x1b[2J text", "refused with 400: plain "),
        (b"", "refused with 400: no reason given"),
    ],
)
def test_a_refusal_is_shown_with_its_reason(config: Path, service: Service, answer: bytes, said: str) -> None:
    service.kind.status = 400  # type: ignore[attr-defined]
    service.kind.answer = answer  # type: ignore[attr-defined]

    result = send(config, "track", "--user-id", "u1", "--event", "E")

    assert result.exit_code == 1
    assert said in result.stderr
    assert "\x1b" not in result.stderr
