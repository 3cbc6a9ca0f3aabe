"""Parameters in, files, warnings and a result out: the real product by its command line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.e2e.harness import ROOT, Product

SCRIPT = """cd "$ARTIFACTS_DIR"
printf '%s,%s' "$PARAM_DAY" "$PARAM_LIMIT" > report.csv
echo "::warning the key is $PARAM_KEY"
echo '::metric rows=3'
echo '::result {"ok": true}'
sleep 0.3
"""


def jobctl(product: Product, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "jobs.cli", *words],
        cwd=ROOT,
        env=product.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_start_is_given_values_and_leaves_files(
    make_product: Callable[..., Product], tmp_path: Path
) -> None:
    product = make_product(WORKERS="1")
    product.start("--dispatcher", "--cluster", "main")
    product.job(
        "report",
        SCRIPT,
        timeout_seconds=60,
        soft_timeout_seconds=0.1,
        parameters=[
            {"name": "day", "type": "date", "required": True},
            {"name": "limit", "type": "integer", "default": 10},
            {"name": "key", "secret": True},
        ],
    )

    ran = jobctl(
        product, "run", "report", "-p", "day=2026-01-31", "-p", "key=correct horse", "--json"
    )

    execution = json.loads(ran.stdout)
    assert execution["state"] == "succeeded"
    assert execution["parameters"] == {"day": "2026-01-31", "limit": 10, "key": "***"}
    assert (execution["metrics"], execution["result"]) == ({"rows": 3}, {"ok": True})
    assert execution["warnings"]["lines"] == [
        "the key is ***",
        "still running after its soft limit of 100ms",
    ]
    fetched = jobctl(
        product, "artifacts", str(execution["id"]), "--download", str(tmp_path / "got")
    )
    assert "report.csv" in fetched.stdout, fetched.stderr
    assert (tmp_path / "got" / "report.csv").read_text() == "2026-01-31,10"
