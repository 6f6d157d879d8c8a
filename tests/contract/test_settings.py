"""What is settled before anything starts: the data folder, the secret, and where kernels are kept."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from sojourn import app, kernel_cache
from sojourn.errors import Misconfigured


def test_what_is_given_goes_before_the_environment_and_that_before_the_default(tmp_path: Path) -> None:
    environment = {"SOJOURN_DATA_DIR": str(tmp_path / "there"), "SOJOURN_SECRET_KEY": "s" * 32}
    assert app.settings(tmp_path / "here", environment=environment).data == tmp_path / "here"
    assert app.settings(environment=environment).data == tmp_path / "there"
    assert (
        app.settings(environment=environment).database_url == f"sqlite:///{tmp_path / 'there' / 'sojourn.db'}"
    )
    url = "postgresql://localhost/sojourn"
    assert app.settings(environment=environment | {"SOJOURN_DATABASE_URL": url}).database_url == url


def test_a_secret_is_drawn_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    first = app.settings(tmp_path, environment={})
    assert app.settings(tmp_path, environment={}) == first
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]


def test_a_data_folder_that_cannot_be_says_what_to_change(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Misconfigured, match="--data"):
        app.settings(tmp_path / "file" / "data", environment={})


def test_kernels_are_kept_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert kernel_cache.choose() == tmp_path


def test_kernels_have_a_new_folder_when_a_shared_part_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "search.py").write_text("import x\n@inner\ndef search(): ...\n")
    monkeypatch.setattr(kernel_cache, "SOURCES", tmp_path)
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    before = _settled(monkeypatch)
    (tmp_path / "count.py").write_text("numba sees for itself that this file changed\n")
    assert _settled(monkeypatch) == before
    (tmp_path / "search.py").write_text("import x\n@inner\ndef search(): return 1\n")
    assert _settled(monkeypatch) != before


def _settled(monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    folder = kernel_cache.choose()
    assert os.environ["NUMBA_CACHE_DIR"] == str(folder)
    return folder


def test_a_secret_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="SOJOURN_SECRET_KEY is shorter"):
        app.settings(tmp_path, environment={"SOJOURN_SECRET_KEY": "short"})
    (tmp_path / "secret.key").write_bytes(b"")
    with pytest.raises(Misconfigured, match=r"secret\.key is shorter"):
        app.settings(tmp_path, environment={})
