"""What docs/events.md tells people to send is taken."""

from __future__ import annotations

import hashlib
import hmac
import re
from pathlib import Path

import pytest
from api_place import Place

GUIDE = (Path(__file__).parents[2] / "docs" / "events.md").read_text()
CURLS = re.findall(r"curl http://localhost:8000(\S+) -u \"\$KEY:\" -d '(.*?)'", GUIDE, re.DOTALL)


@pytest.mark.parametrize(("path", "body"), CURLS, ids=[path for path, _ in CURLS])
def test_every_example_of_curl_is_taken(place: Place, path: str, body: str) -> None:
    assert place.ask("POST", path, "server", content=body).status_code == 200
    assert place.told()
    assert place.ask("GET", "/api/quarantine").json() == []


def test_there_are_examples() -> None:
    assert len(CURLS) >= 2


def test_a_user_is_vouched_for_as_the_guide_says(place: Place) -> None:
    assert 'hmac.new(SECRET, b"user_id:" + user_id.encode(), hashlib.sha256).hexdigest()' in GUIDE
    secret = place.ask("GET", "/api/keys/identity").json()["secret"].encode()
    proof = hmac.new(secret, b"user_id:" + b"ada", hashlib.sha256).hexdigest()
    place.ask("POST", "/v1/page", "server", json={"userId": "ada"})
    signed = {"userId": "ada", "integrations": {"Sojourn": {"user_id_hash": proof}}}
    place.ask("POST", "/v1/page", "public", json=signed)
    first, second = place.logged().subjects.tolist()
    assert first == second
