"""What pytest gets from the package: a project's run has the conformance suite, recordings, and a router."""

import json
from pathlib import Path

import pytest

import router.testing.conformance.collecting
import router.testing.recorded  # noqa: F401 - loaded once, not anew by each run

pytest_plugins = ["pytester"]

PLUGIN = '''
"""A plugin."""
from router import Destination, Request, Secret, Settings, Track, hookimpl

class FineSettings(Settings, frozen=True):
    """Where."""

    token: Secret
    """The key."""

class Fine(Destination[FineSettings, Track]):
    """Post events.

    track: {said}
    """

    kind = "fine"
    sample = 'settings.token = "env:TOKEN"'

    def requests(self, events):
        for event in events:
            yield Request.post("https://fine.example.com", json={{"id": event.message_id, "{key}": event.event}},
                               headers={{"X-Token": self.settings.token.reveal()}})

@hookimpl
def register_destinations():
    return [Fine]
'''
RECORDED = """
from fine import Fine
from router.testing import configured, exchange, track

def test_it(recorded):
    recorded(exchange(configured(Fine, token="s3cr3t-value"), [track("A", message_id="m1")]))
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project with a folder of plugins and one test."""
    pytester.makeini("[pytest]\nconformance_directories = mine\npythonpath = mine\n")
    pytester.makepyfile(test_own="def test_own(): pass")
    write_plugin(pytester)
    return pytester


def write_plugin(project: pytest.Pytester, said: str = "posted.", key: str = "name") -> None:
    folder = project.path / "mine"
    folder.mkdir(exist_ok=True)
    (folder / "fine.py").write_text(PLUGIN.format(said=said, key=key))


def run(project: pytest.Pytester, *options: str) -> pytest.RunResult:
    return project.runpytest_inprocess(
        "-p", "no:cacheprovider", "-p", "no:asyncio", "-p", "no:hypothesispytest", "-v", *options
    )


def test_a_projects_run_has_a_test_for_each_destination_and_promise(project: pytest.Pytester) -> None:
    result = run(project)

    result.assert_outcomes(passed=1 + 13)
    result.stdout.fnmatch_lines(["*conformance::fine-survives_an_outage PASSED*"])
    assert "webhook" not in result.stdout.str()


def test_a_run_of_one_file_has_none(project: pytest.Pytester) -> None:
    run(project, "test_own.py").assert_outcomes(passed=1)


def test_kinds_can_be_chosen(project: pytest.Pytester) -> None:
    result = run(project, "--conformance=fine,console", "-k", "sample or own")

    result.assert_outcomes(passed=3, deselected=17)


def test_the_suite_can_be_left_out(project: pytest.Pytester) -> None:
    run(project, "--conformance=none").assert_outcomes(passed=1)
    run(project, "-m", "not conformance").assert_outcomes(passed=1, deselected=13)


def test_a_kind_that_is_not_there_is_an_error_with_those_that_are(project: pytest.Pytester) -> None:
    result = run(project, "--conformance=fnie")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*no plugin offers 'fnie'; known are *fine*, all, none*"])


def test_a_failure_is_one_sentence_with_the_remedy(project: pytest.Pytester) -> None:
    write_plugin(project, said="")

    result = run(project)

    result.assert_outcomes(passed=13, failed=1)
    result.stdout.fnmatch_lines(
        ["destination 'fine' does not say what becomes of each type of event: *; add a*"]
    )


def test_an_exchange_is_recorded_on_demand_and_compared_afterwards(project: pytest.Pytester) -> None:
    project.makepyfile(test_rec=RECORDED)

    run(project, "test_rec.py").stdout.fnmatch_lines(["*there is no *test_rec.test_it.json; *--record*"])
    run(project, "test_rec.py", "--record").assert_outcomes(passed=1)
    run(project, "test_rec.py").assert_outcomes(passed=1)
    write_plugin(project, key="title")
    changed = run(project, "test_rec.py")

    changed.assert_outcomes(failed=1)
    changed.stdout.fnmatch_lines(["*--record*", '*-*"name": "A"', '*+*"title": "A"'])


def test_a_recording_is_readable_and_holds_no_secret(project: pytest.Pytester) -> None:
    project.makepyfile(test_rec=RECORDED)

    run(project, "test_rec.py", "--record")

    text = Path(project.path, "recorded", "test_rec.test_it.json").read_text()
    (kept,) = json.loads(text)
    (step,) = kept["steps"]
    assert step["request"]["body"] == {"id": "m1", "name": "A"}
    assert step["request"]["headers"]["X-Token"] == "***"
    assert (step["about"], step["answer"]["status"], kept["outcomes"]) == (["m1"], 200, ["delivered"])
    assert "s3cr3t-value" not in text


def test_an_exchange_that_is_not_made_any_more_is_noticed(project: pytest.Pytester) -> None:
    project.makepyfile(test_rec=RECORDED + RECORDED.split("\n")[-2] + "\n")
    run(project, "test_rec.py", "--record").assert_outcomes(passed=1)
    project.makepyfile(test_rec=RECORDED)

    run(project, "test_rec.py").stdout.fnmatch_lines(["*holds 2 exchanges, not 1*"])
