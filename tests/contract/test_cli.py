"""The command line as a person meets it: a process, what it prints, and the code it ends with."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sojourn.cli import failure, serving
from sojourn.cli.serving import Serving
from sojourn.errors import BrokenInvariant, Invalid, Misconfigured, OutcomeUnknown

COMMAND = Path(sys.executable).with_name("sojourn")
WELCOME = """\
journey: welcome
enter: [{event: Signed Up}]
steps:
  hello: {send: {template: hello, purpose: onboarding}}
  pause: {wait: 2 days}
  bye: {leave: done}
"""


def sojourn(*words: str | Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SOJOURN_")}
    run = subprocess.run(
        [COMMAND, *words], capture_output=True, text=True, timeout=120, env=environment, check=False
    )
    assert "Traceback" not in run.stderr
    return run


def answered(*words: str | Path) -> Any:
    run = sojourn(*words, "--json")
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_a_draft_with_a_mistake_is_named_by_file_line_and_path(tmp_path: Path) -> None:
    draft = tmp_path / "welcome.yaml"
    draft.write_text(WELCOME.replace("wait: 2 days", "wait: 2 dayz"))
    run = sojourn("check", draft)
    assert run.returncode == 2
    assert run.stderr.startswith(f"error: {draft}:5: steps.pause")
    assert "day" in run.stderr


def test_a_sound_draft_is_said_to_be_one(tmp_path: Path) -> None:
    draft = tmp_path / "welcome.yaml"
    draft.write_text(WELCOME)
    assert answered("check", draft) == [{"file": str(draft), "findings": []}]


def test_a_step_that_nobody_reaches_ends_a_check_with_2(tmp_path: Path) -> None:
    draft = tmp_path / "welcome.yaml"
    draft.write_text(WELCOME.replace("onboarding}}", "onboarding}, then: bye}"))
    run = sojourn("check", draft)
    assert run.returncode == 2
    assert f"{draft}: error: steps.pause: no way leads here" in run.stdout


@pytest.mark.parametrize(
    "words", [("check", "nowhere.yaml"), ("ask", "paths", "--data", "nowhere"), ("nonsense",)]
)
def test_what_is_not_there_is_the_callers_mistake(words: tuple[str, ...], tmp_path: Path) -> None:
    run = sojourn(*(tmp_path / word if word == "nowhere" else word for word in words))
    assert run.returncode == 2
    assert run.stderr
    assert not list(tmp_path.iterdir()), "a question makes nothing"


def test_a_database_that_is_none_is_the_operators_mistake(tmp_path: Path) -> None:
    run = sojourn("ask", "paths", "--data", tmp_path, "--database", "oracle://somewhere")
    assert run.returncode == 3
    assert run.stderr.startswith("error: ")


def test_a_second_worker_on_sqlite_is_refused(tmp_path: Path) -> None:
    with served(tmp_path):
        pass
    run = sojourn("work", "--data", tmp_path)
    assert run.returncode == 3
    assert "PostgreSQL" in run.stderr


def test_an_event_sent_to_a_server_is_in_the_answers_of_every_command(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        _send(server, {"userId": "ada", "event": "Signed Up", "properties": {"plan": "trial"}})
        _send(server, {"userId": "ada", "event": "Logged In"})
        asked = ("--data", tmp_path)
        assert answered("ask", "paths", *asked)["edges"] == [
            {"from": "Signed Up", "to": "Logged In", "count": 1}
        ]
        steps = answered("ask", "funnel", "--steps", "Signed Up,Logged In", "--within", "14d", *asked)
        assert steps == {"steps": [{"name": "Signed Up", "count": 1}, {"name": "Logged In", "count": 1}]}
        found = answered(
            "sql", "SELECT name, properties->>'plan' AS plan FROM events ORDER BY position LIMIT 1", *asked
        )
        assert (found["columns"], found["rows"]) == (["name", "plan"], [["Signed Up", "trial"]])
        assert sojourn("ask", "funnel", "--steps", "Signed Off", *asked).returncode == 2
        assert answered("doctor", *asked)["customers"] == 1


def test_one_data_folder_is_served_once(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        run = sojourn("serve", "--data", tmp_path, "--port", str(_free_port()))
        assert run.returncode == 2
        assert server.url in run.stderr
    assert serving.running(tmp_path) is None


def test_errors_end_with_a_code_that_says_who_must_act(capsys: pytest.CaptureFixture[str]) -> None:
    errors = (Invalid("no"), Misconfigured("no"), OutcomeUnknown("no"), BrokenInvariant("no"))
    assert [failure.exit_code(error) for error in errors] == [2, 3, 3, 1]
    failure.say(ZeroDivisionError, ZeroDivisionError("nobody expected this"), None)
    assert "nobody expected this" in capsys.readouterr().err


@contextmanager
def served(data: Path) -> Iterator[Serving]:
    """A `serve` of its own, which ends well when told to."""
    with subprocess.Popen([COMMAND, "serve", "--data", data, "--port", str(_free_port())]) as process:
        try:
            yield _started(process, data)
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0


def _started(process: subprocess.Popen[bytes], data: Path) -> Serving:
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        if found := serving.running(data):
            return found
        time.sleep(0.05)
    raise AssertionError("it did not start")


def _send(server: Serving, event: dict[str, object]) -> None:
    secret = b64encode(f"{server.key}:".encode()).decode()
    request = urllib.request.Request(
        f"{server.url}/v1/track", json.dumps(event).encode(), {"Authorization": f"Basic {secret}"}
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        assert response.status == 200


def _free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port
