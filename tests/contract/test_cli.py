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
from contextlib import contextmanager, nullcontext, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from sojourn.cli import failure, main, serving
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

HELLO = "{name: hello, subject: Hello, text: Hello}"
LAPSED = "{segment: lapsed, rule: {not: {performed: Signed Up, within: 90 days}}}"
LOG = """\
who,what,at,plan
ada,Signed Up,2026-01-01 09:00,trial
bob,Signed Up,2026-01-02 09:00,free
ada,Logged In,2026-01-03 09:00,
"""


@dataclass(frozen=True)
class Run:
    """What a command printed, and the code it ended with."""

    returncode: int
    stdout: str
    stderr: str


def sojourn(*words: str | Path) -> Run:
    """Run a command in this process: what a process of its own costs is mostly imports."""
    out, err = StringIO(), StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        for name in os.environ:
            if name.startswith("SOJOURN_"):
                patch.delenv(name)
        patch.setattr(sys, "argv", ["sojourn", *map(str, words)])
        patch.setattr(sys, "excepthook", sys.excepthook)
        with pytest.raises(SystemExit) as ended:
            main()
    return Run(int(ended.value.code or 0), out.getvalue(), err.getvalue())


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
    assert f"{draft}:5: error: steps.pause: no way leads here" in run.stdout


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


def test_files_are_published_in_the_order_in_which_they_build_on_each_other(tmp_path: Path) -> None:
    files = [_written(tmp_path / f"{n}.yaml", text) for n, text in enumerate((WELCOME, HELLO, LAPSED))]
    data = tmp_path / "data"
    done = answered("publish", *files, "--data", data)
    assert [(one["kind"], one["name"]) for one in done] == [
        ("segment", "lapsed"),
        ("template", "hello"),
        ("journey", "welcome"),
    ]
    broken = _written(tmp_path / "broken.yaml", WELCOME.replace("template: hello", "template: hallo"))
    run = sojourn("publish", broken, "--data", data)
    assert run.returncode == 2
    assert f"{broken}:4: steps.hello: there is no template 'hallo'; did you mean 'hello'?" in run.stderr
    assert sojourn("publish", _written(tmp_path / "odd.yaml", "odd: 1"), "--data", data).returncode == 2


def test_a_key_is_made_shown_without_its_secret_and_ended(tmp_path: Path) -> None:
    minted = answered("keys", "make", "shop", "--scope", "track:public", "--data", tmp_path)
    assert minted["secret"].startswith("sj_pub_")
    shown = sojourn("keys", "show", "--data", tmp_path).stdout
    assert "shop" in shown
    assert minted["secret"] not in shown
    assert sojourn("keys", "end", str(minted["key"]["id"]), "--data", tmp_path).returncode == 0
    assert answered("keys", "show", "--data", tmp_path)[0]["revoked"] > 0


@pytest.mark.parametrize("while_served", [False, True])
def test_history_is_imported_backtested_and_explained(tmp_path: Path, while_served: bool) -> None:
    file = _written(tmp_path / "log.csv", LOG)
    draft, data = _written(tmp_path / "welcome.yaml", WELCOME), tmp_path / "data"
    columns = ("--customer", "who", "--name", "what", "--time", "at")
    survey = answered("import", "events", file, *columns, "--dry-run")
    assert (survey["rows"], survey["customers"]) == (3, 2)
    with served(data) if while_served else nullcontext():
        assert answered("import", "events", file, *columns, "--data", data)["events"] == 3
        assert answered("import", "events", file, *columns, "--data", data)["events"] == 0
        found = answered("backtest", draft, "--data", data)
        assert (found["entered"], found["steps"][0]["visits"]) == (2, 2)
        assert (
            sum(step["waiting"] + sum(step["left"].values()) for step in found["steps"]) == found["entered"]
        )
        why = answered("explain", "ada", draft, "--data", data)
        assert (why["entered"], why["where"]) == (1, "has left")
        assert sojourn("explain", "nobody", draft, "--data", data).returncode == 2


def test_one_data_folder_is_served_once(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        run = sojourn("serve", "--data", tmp_path, "--port", str(_free_port()))
        assert run.returncode == 2
        assert server.url in run.stderr
    assert serving.running(tmp_path) is None


def test_an_error_that_nobody_expected_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "serving.lock").touch()
    (tmp_path / "serving.json").touch()
    (tmp_path / "clock.json").write_text("no JSON")
    segment = _written(tmp_path / "lapsed.yaml", LAPSED)
    words: list[str | Path] = [COMMAND, "publish", segment, "--data", tmp_path]
    run = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 1
    assert "Traceback" not in run.stderr
    assert "--debug" in run.stderr
    assert (
        "Traceback"
        in subprocess.run([COMMAND, "--debug", *words[1:]], stderr=-1, text=True, check=False).stderr
    )


def test_errors_end_with_a_code_that_says_who_must_act(capsys: pytest.CaptureFixture[str]) -> None:
    errors = (Invalid("no"), Misconfigured("no"), OutcomeUnknown("no"), BrokenInvariant("no"))
    assert [failure.exit_code(error) for error in errors] == [2, 3, 3, 1]
    failure.say(ZeroDivisionError, ZeroDivisionError("nobody expected this"), None)
    assert "nobody expected this" in capsys.readouterr().err


def _written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


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
