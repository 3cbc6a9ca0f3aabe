"""A real run that is given a secret, and a log in which it does not stand."""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Callable

from tests.e2e.harness import ROOT, Product

SECRET = "hunter2 & more-of-it"
SET = """
from jobs.domain.permissions import SYSTEM
from jobs.services import variables
row = variables.create(variables.parse_variable(
    {"name": "password", "value": %r, "secret": True}), actor=SYSTEM)
print(row.pk)
"""


def log_of(product: Product, execution: int) -> str:
    pieces = product.sql(
        "SELECT hex(data) FROM jobs_logchunk WHERE execution_id = %s ORDER BY seq", execution
    )
    return b"".join(bytes.fromhex(piece[0]) for piece in pieces).decode()


def test_a_job_is_given_a_secret_and_its_log_has_none(make_product: Callable[..., Product]) -> None:
    """S4-97."""
    product = make_product(WORKERS="1")
    subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "shell", "-v", "0", "-c", SET % SECRET],
        env=product.environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    product.start("--dispatcher", "--cluster", "main")
    seen = product.folder / "seen"
    slowly = "printf 'split: hunter2'; sleep 0.8; printf ' & more-of-it.\\n'"
    lines = f"""printf %s "$P" > {seen}; echo "whole: $P."; printf %s "$P" | base64; {slowly}
echo "::result {{\\"password\\": \\"$P\\"}}"; echo "$P is wrong" >&2; exit 3"""
    job = product.job("dump", lines, environment={"P": "{{ password }}"})
    lost = product.job("lost", "echo {{nobody}} ran")

    execution = product.trigger(job)
    assert product.end_of(execution) == "failed"
    refused = product.trigger(lost)
    assert product.end_of(refused) == "failed"

    assert seen.read_text() == SECRET
    shown = log_of(product, execution)
    assert "whole: ***." in shown
    assert "split: ***." in shown
    (row,) = product.sql(
        "SELECT message, error, result FROM jobs_execution WHERE id = %s", execution
    )
    assert row[1] == "*** is wrong"
    assert '"***"' in row[2]
    everything = shown + str(row)
    assert "hunter2" not in everything
    assert base64.b64encode(SECRET.encode()).decode()[:12] not in everything
    (words,) = product.sql("SELECT message FROM jobs_execution WHERE id = %s", refused)[0]
    assert "unknown variable nobody in command" in words
    assert log_of(product, refused) == ""
