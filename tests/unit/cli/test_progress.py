"""The progress of a replay: followed to its end, and left with Ctrl-C."""

import time
from collections.abc import Iterator

import pytest

from router.cli.progress import follow
from router.replay.report import Report, Standing
from router.storage.replays import Replay

REPLAY = Replay(destination="crm", first=10, after=20, number=7)


def report(status: str, passed: int) -> Report:
    return Report(REPLAY, Standing(status), passed, [("delivered", "", passed)], 0)


def test_a_replay_is_followed_until_it_is_over(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    reports: Iterator[Report] = iter([report("queued", 0), report("running", 4), report("done", 10)])

    last = follow(lambda: next(reports))

    assert last.passed == 10
    assert capsys.readouterr().out == "crm#7 queued: 0 of 10, nothing yet\n"


def test_ctrl_c_ends_the_looking_and_not_the_replay(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", interrupt)

    assert follow(lambda: report("running", 4)).passed == 4
    assert "replay 7 goes on; `router replay cancel 7` ends it" in capsys.readouterr().out
