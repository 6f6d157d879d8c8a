"""Journeys as code: pulled into a folder, changed, planned and pushed, over the command line and a server."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from test_cli import COMMAND, Run, served, sojourn

WELCOME = """\
# Everybody's first days; ask Ada before you change the waits
journey: welcome
enter: [{event: Signed Up}]
goal: {event: Paid, within: 60 days}
steps:
  hello: {send: {template: hello, purpose: onboarding}}
  pause: {wait: 2 days}   # they need the weekend
  bye:   {leave: done}
canvas:
  hello: [0, 0]
"""
FILES = {
    "templates/hello.yaml": "name: 'hello'\r\nsubject: Hello\r\ntext: |\r\n  Hello,\r\n  you!\r\n",
    "segments/lapsed.yaml": "# away\nsegment: lapsed\nrule:   {not: {performed: Paid, within: 9 days}}\n",
    "policy.yaml": "policy:   # strict\n  consent: {onboarding: none}\n",
    "journeys/welcome.yaml": WELCOME,
}
LOG = """\
who,what,at
ada,Signed Up,2026-01-01 09:00
bob,Signed Up,2026-01-02 09:00
bob,Paid,2026-01-04 15:00
"""


def written(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return folder


def read(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_bytes().decode() for path in folder.rglob("*.yaml")}


def change(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / name
    text = path.read_bytes().decode()
    assert old in text
    path.write_bytes(text.replace(old, new).encode())


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation with everything published as in FILES, and some history: to be copied."""
    tmp_path = tmp_path_factory.mktemp("installation")
    data = tmp_path / "data"
    (tmp_path / "log.csv").write_text(LOG)
    columns = ("--customer", "who", "--name", "what", "--time", "at")
    assert sojourn("import", "events", tmp_path / "log.csv", *columns, "--data", data).returncode == 0
    assert done(sojourn("push", written(tmp_path / "first", FILES), "--yes", "--data", data))
    return data


@pytest.fixture
def data(installation: Path, tmp_path: Path) -> Path:
    """Such an installation of one's own."""
    return Path(shutil.copytree(installation, tmp_path / "data"))


def done(run: Run) -> bool:
    assert run.returncode == 0, run.stderr
    return True


def planned(folder: Path, data: Path, *words: str) -> Any:
    run = sojourn("plan", folder, "--data", data, "--json", *words)
    assert run.returncode in (0, 2), run.stderr
    made = json.loads(run.stdout)
    assert run.returncode == (2 if made["definitions"] else 0)
    return made


def test_what_was_written_comes_back_letter_by_letter(data: Path, tmp_path: Path) -> None:
    run = sojourn("pull", tmp_path / "folder", "--data", data)
    assert done(run) and "written: segments/lapsed.yaml" in run.stdout
    assert read(tmp_path / "folder") == FILES
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "folder").rglob("*.yaml")}
    assert "nothing to do" in sojourn("pull", tmp_path / "folder", "--data", data).stdout
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert "nothing to do" in sojourn("plan", tmp_path / "folder", "--data", data).stdout


def test_a_change_goes_from_one_folder_to_another_through_a_server(data: Path, tmp_path: Path) -> None:
    mine, yours = tmp_path / "mine", tmp_path / "yours"
    with served(data):
        assert done(sojourn("pull", mine, "--data", data)) and done(sojourn("pull", yours, "--data", data))
        change(mine, "journeys/welcome.yaml", "2 days", "3 days")
        shown = sojourn("plan", mine, "--data", data)
        assert shown.returncode == 2
        assert "~ journey welcome  (changed, " in shown.stdout
        assert "~ pause.wait: 2 days → 3 days" in shown.stdout
        (plan,) = planned(mine, data)["definitions"]
        assert (plan["figures"]["before"]["entered"], plan["figures"]["before"]["converted"]) == (2, 0)
        assert (plan["figures"]["after"]["entered"], plan["figures"]["after"]["converted"]) == (2, 1)
        assert plan["figures"]["after"]["sent"] == 2
        assert done(sojourn("push", mine, "--yes", "--data", data))
        assert planned(mine, data)["definitions"] == []

        change(yours, "journeys/welcome.yaml", "{leave: done}", "{leave: enough}")
        refused = sojourn("push", yours, "--yes", "--data", data)
        assert refused.returncode == 2
        assert "changed by somebody else since this folder was made: journey welcome" in refused.stderr
        assert "changed here and there: journey welcome" in sojourn("pull", yours, "--data", data).stderr
        assert done(sojourn("pull", yours, "--force", "--data", data))
        assert read(yours) == read(mine)


def test_what_others_did_elsewhere_comes_along_and_what_is_changed_here_stays(
    data: Path, tmp_path: Path
) -> None:
    mine, yours = tmp_path / "mine", tmp_path / "yours"
    assert done(sojourn("pull", mine, "--data", data)) and done(sojourn("pull", yours, "--data", data))
    change(mine, "segments/lapsed.yaml", "9 days", "8 days")
    assert done(sojourn("push", mine, "--yes", "--data", data))
    change(yours, "policy.yaml", "# strict", "# very strict")
    run = sojourn("pull", yours, "--data", data)
    assert "written: segments/lapsed.yaml" in run.stdout and "kept as it is here: policy" in run.stdout
    (plan,) = planned(yours, data)["definitions"]
    assert (plan["kind"], plan["what"]) == ("policy", "reworded")
    assert done(sojourn("push", yours, "--yes", "--data", data))
    assert done(sojourn("pull", mine, "--data", data)) and read(mine) == read(yours)


def test_a_file_of_the_folder_that_is_published_by_itself_is_remembered(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    assert done(sojourn("pull", folder, "--data", data))
    for old, new in (("2 days", "3 days"), ("3 days", "4 days")):
        change(folder, "journeys/welcome.yaml", old, new)
        words = ("--inside", "follow", "--data", data)
        assert done(sojourn("publish", folder / "journeys/welcome.yaml", *words))
    change(folder, "journeys/welcome.yaml", "4 days", "5 days")
    assert done(sojourn("push", folder, "--yes", "--data", data))


def test_a_folder_that_nobody_pulled_undoes_nothing(data: Path, tmp_path: Path) -> None:
    fresh = written(tmp_path / "fresh", FILES)
    change(fresh, "policy.yaml", "none", "opt_in")
    refused = sojourn("push", fresh, "--yes", "--data", data)
    assert refused.returncode == 2 and "nobody knows what this folder was made from" in refused.stderr
    old = written(tmp_path / "old", FILES)
    assert done(sojourn("push", fresh, "--base", old, "--yes", "--data", data))
    assert (
        sojourn("push", written(tmp_path / "other", FILES), "--force", "--yes", "--data", data).returncode
        == 0
    )


def test_what_a_file_no_longer_says_is_gone_unless_it_is_needed(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    assert done(sojourn("pull", folder, "--data", data))
    (folder / "templates/hello.yaml").unlink()
    refused = sojourn("push", folder, "--yes", "--data", data)
    assert refused.returncode == 2 and "there is no template 'hello'" in refused.stderr
    assert "still needed" in refused.stderr
    (folder / "journeys/welcome.yaml").unlink()
    (folder / "policy.yaml").unlink()
    assert {one["what"] for one in planned(folder, data)["definitions"]} == {"gone"}
    assert done(sojourn("push", folder, "--yes", "--data", data))
    empty = tmp_path / "empty"
    assert done(sojourn("pull", empty, "--data", data))
    assert read(empty) == {"segments/lapsed.yaml": FILES["segments/lapsed.yaml"]}


def test_all_of_it_is_published_or_nothing(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    assert done(sojourn("pull", folder, "--data", data))
    change(folder, "segments/lapsed.yaml", "9 days", "8 days")
    change(folder, "journeys/welcome.yaml", "template: hello", "template: hallo")
    for command in ("plan", "push"):
        run = sojourn(command, folder, "--data", data)
        assert run.returncode == {"plan": 1, "push": 2}[command]
        where = f"{folder / 'journeys/welcome.yaml'}:6: steps.hello"
        assert f"{where}: there is no template 'hallo'; did you mean 'hello'?" in run.stderr
    assert done(sojourn("pull", tmp_path / "other", "--data", data))
    assert read(tmp_path / "other") == FILES


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("odd.yaml", "odd: 1\n", "has none of the keys"),
        ("journeys/again.yaml", WELCOME, "there is a journey welcome in"),
        (
            "segments/x.yaml",
            "segment: x\nrule: {trait: a, is: b}\nrulez: 1\n",
            "x.yaml:3: rulez: unknown key",
        ),
        ("segments/x.yaml", "segment: x\nrule: {triat: a}\n", "did you mean"),
        ("templates/x.yaml", "name: x\nsubject: '{{ a '\ntext: b\n", "x.yaml"),
        ("journeys/x.yaml", b"journey: \xff\n".decode("latin-1"), "needs 'enter'"),
    ],
)
def test_a_mistake_is_named_by_its_file(data: Path, tmp_path: Path, name: str, text: str, said: str) -> None:
    folder = written(tmp_path / "folder", {**FILES, name: text})
    run = sojourn("plan", folder, "--data", data)
    assert run.returncode == 1, run.stdout
    assert said in run.stderr and str(folder) in run.stderr


def test_a_paused_journey_stays_paused_and_a_draft_stays_its_authors(data: Path, tmp_path: Path) -> None:
    folder, ahead = tmp_path / "folder", WELCOME.replace("2 days", "9 days")
    with served(data) as server:
        from sojourn.cli.client import Api

        api = Api(server.url, server.key)
        api.call("PUT", "/api/journeys/welcome", {"text": ahead})
        api.call("PUT", "/api/journeys/welcome/state", {"state": "paused"})
        pulled = sojourn("pull", folder, "--data", data)
        assert "not pulled: the draft of journey welcome" in pulled.stdout
        assert read(folder) == FILES
        change(folder, "journeys/welcome.yaml", "2 days", "3 days")
        assert done(sojourn("push", folder, "--yes", "--data", data))
        shown = api.call("GET", "/api/journeys/welcome")
        assert (shown["state"], shown["draft"], len(shown["versions"])) == ("paused", ahead, 2)


EXAMPLE = Path(__file__).parents[2] / "examples" / "journeys-as-code"


def test_the_example_is_sound_and_published_as_it_stands(tmp_path: Path) -> None:
    folder, data = tmp_path / "folder", tmp_path / "data"
    shutil.copytree(EXAMPLE / "definitions", folder)
    checked = sojourn("check", folder, "--json")
    assert done(checked) and not any(one["findings"] for one in json.loads(checked.stdout))
    assert done(sojourn("push", folder, "--yes", "--data", data))
    assert done(sojourn("pull", tmp_path / "other", "--data", data))
    assert sorted(read(tmp_path / "other").values()) == sorted(read(folder).values())


def test_the_workflow_of_the_example_runs_commands_that_there_are() -> None:
    (path,) = (EXAMPLE / ".github" / "workflows").glob("*.yml")
    jobs = YAML(typ="safe").load(path.read_text())["jobs"]
    runs = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    commands = re.findall(r"^\s*sojourn (\w+)(.*?)(?:>|$)", "\n".join(runs), re.MULTILINE)
    assert [name for name, _ in commands] == ["check", "plan", "push"]
    for name, words in commands:
        told = sojourn(name, "--help").stdout
        assert all(option in told for option in re.findall(r"--\w+", words))


def test_an_installation_elsewhere_is_reached_with_a_key(data: Path, tmp_path: Path) -> None:
    with served(data) as server:
        for key, code in ((server.key, 0), ("wrong", 2), ("", 3)):
            environment = {**os.environ, "SOJOURN_SERVER": server.url, "SOJOURN_KEY": key}
            words: list[str | Path] = [COMMAND, "pull", tmp_path / f"by {code}"]
            run = subprocess.run(words, env=environment, capture_output=True, check=False, timeout=60)
            assert run.returncode == code, run.stderr
    assert read(tmp_path / "by 0") == FILES
