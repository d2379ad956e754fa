"""Test a node's HTTP API with requests that its OpenAPI document describes, and with near misses.

The requests are those of schemathesis: each operation with values from all corners of its schema,
and with values just outside of it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.cli.command import ROOT
from tests.cli.founded import local
from tests.suite import ONE_SUITE
from trine.client.home import Home

pytestmark = [pytest.mark.network, ONE_SUITE]

WAIT_MS, WAIT_MS_MAX = 10, 30_000
EXAMPLES = 15
TIMEOUT_S = 30

# JSON Schema has no words for parameters that exclude each other, nor for the count in a batch.
UNTOLD = {("GET", "/v1/blocks"), ("POST", "/v1/transactions")}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A network that runs while the module's tests do."""
    with local(tmp_path_factory.mktemp("openapi") / "home") as home:
        yield home


api = schemathesis.openapi.from_path(ROOT / "crates/node/openapi.json").exclude(path="/v1/stream")


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Let no request wait for what does not come."""
    asked = str((case.query or {}).get("wait_ms", ""))
    if asked.isdigit() and WAIT_MS < int(asked) <= WAIT_MS_MAX:
        case.query["wait_ms"] = WAIT_MS


@api.parametrize()
@settings(
    max_examples=EXAMPLES, derandomize=True, suppress_health_check=list(HealthCheck), database=None
)
def test_every_answer_is_as_documented(case: Any, home: Path) -> None:
    """Goal: the document promises what nodes do, and no request makes one fail. Method: requests
    that follow the document must be served as it says, others refused with a problem."""
    untold = (case.method.upper(), case.path) in UNTOLD
    excluded = [positive_data_acceptance] if untold else []
    url = Home(home).urls()[0]
    case.call_and_validate(base_url=url, excluded_checks=excluded, timeout=TIMEOUT_S)


def test_nobody_was_harmed(home: Path) -> None:
    """Goal: the network is as well as before. Method: after the requests above, read the logs and
    let a new block come."""
    urls = Home(home).urls()
    with httpx.Client(timeout=TIMEOUT_S, trust_env=False) as http:
        height = http.get(f"{urls[0]}/v1/status").json()["height"]
        waited = http.get(f"{urls[-1]}/v1/sync/tip", params={"above": height, "wait_ms": 20_000})
        assert waited.json()["height"] > height
        for url in urls:
            assert http.get(f"{url}/readyz").status_code == httpx.codes.OK
    logs = list(home.glob("nodes/*/*.log"))
    assert logs
    for log in logs:
        assert "panicked" not in log.read_text(errors="replace"), log
