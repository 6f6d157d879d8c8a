"""`sojourn sql`: sees sealed and unsealed events alike, and nothing that is not ours to show."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from sojourn.errors import Invalid
from sojourn.lake.folder import Folder
from sojourn.lake.layout import Merged
from sojourn.lake.rows import Rows
from sojourn.lake.seal import seal
from sojourn.lake.sql import Answer, Asked, Limits, answer

START = 1_700_000_000_000_000


def rows(subjects: list[int], first: int) -> Rows:
    n = len(subjects)
    return Rows(
        subject=np.array(subjects),
        happened=START + np.arange(n),
        received=START + np.arange(n),
        position=np.arange(first, first + n),
        key=np.arange(first, first + n),
        run=np.zeros(n, np.int64),
        name=["Order Completed"] * n,
        origin=np.full(n, 2),
        properties=['{"amount":10.5,"plan":"pro"}'] * n,
        traits=[""] * n,
    )


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    folder = Folder.local(tmp_path)
    segments = seal(folder, rows([1, 2, 70_000], 1), 1, 3)
    (tmp_path / "secret.csv").write_text("a\n1\n")
    merged = Merged(np.array([70_000]), np.array([1]))
    return Asked(folder, segments, rows([1, 5], 4), merged, {"customers": pa.table({"customer": [1, 2, 5]})})


def test_it_counts_sealed_and_unsealed_events_of_whole_customers(asked: Asked) -> None:
    found = answer("SELECT customer, count(*) AS n FROM events GROUP BY ALL ORDER BY customer", asked)
    assert found == Answer(("customer", "n"), ((1, 3), (2, 1), (5, 1)), more=False)


def test_properties_and_instants_are_there_to_ask(asked: Asked) -> None:
    question = "SELECT sum((properties->>'amount')::DOUBLE), min(happened), any_value(origin) FROM events"
    assert answer(question, asked).rows == ((52.5, datetime(2023, 11, 14, 22, 13, 20), "server"),)
    assert answer("FROM customers JOIN events USING (customer) SELECT count(*)", asked).rows == ((5,),)


def test_an_empty_lake_answers_too(tmp_path: Path) -> None:
    assert answer("SELECT count(*) FROM events", Asked(Folder.local(tmp_path), ())).rows == ((0,),)


@pytest.mark.parametrize(
    "question",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_blob('{folder}/secret.csv')",
        "SELECT * FROM '{folder}/secret.csv'",
        "SELECT * FROM read_parquet('{segment}')",
        "SELECT * FROM glob('/*')",
        "SELECT * FROM sniff_csv('/etc/passwd')",
        "ATTACH '{folder}/other.db'",
        "COPY events TO '{folder}/stolen.csv'",
        "COPY (SELECT 1) TO '{segment}'",
        "EXPORT DATABASE '{folder}/all'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "SET memory_limit = '64GB'",
        "PRAGMA database_list",
        "CREATE TABLE mine AS SELECT 1",
        "DROP VIEW events",
        "EXPLAIN ANALYZE COPY events TO '{folder}/stolen.csv'",
        "SELECT 1; SELECT 2",
        "SELECT * FROM hidden",
        "",
        "SELEC 1",
        "\"); COPY events TO '{folder}/stolen.csv'; --",
    ],
)
def test_nothing_else_can_be_reached(asked: Asked, question: str) -> None:
    hidden = pa.table({"a": [1]})
    assert hidden.num_rows == 1
    paths = {"folder": asked.folder.root, "segment": asked.folder.path(asked.segments[0].name)}
    before = sorted(Path(asked.folder.root).rglob("*"))
    with pytest.raises(Invalid):
        answer(question.format(**paths), asked)
    assert sorted(Path(asked.folder.root).rglob("*")) == before


def test_a_question_may_take_only_so_long_and_so_much(asked: Asked) -> None:
    endless = "SELECT sum(a.range * b.range) FROM range(100000000) a, range(1000000) b"
    with pytest.raises(Invalid, match="longer than"):
        answer(endless, asked, Limits(seconds=0.2))
    with pytest.raises(Invalid, match="more memory"):
        answer("SELECT list(range) FROM range(100000000)", asked, Limits(memory="32MB"))
    cut = answer("FROM range(100)", asked, Limits(rows=3))
    assert (cut.rows, cut.more) == (((0,), (1,), (2,)), True)
