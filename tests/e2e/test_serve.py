"""The one command: it says where it is, refuses what cannot work, and leaves nothing behind."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable

import pytest

from tests.e2e.harness import ROOT, Product, below, is_alive, wait_until


def serve(product: Product, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``manage.py serve`` to its end; for starts that must fail."""
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "serve", *arguments],
        env=product.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.short
def test_whole_product_answers_runs_a_job_and_stops(make_product: Callable[..., Product]) -> None:
    """S2-14, S2-53, S2-54, S3-80: one command, Python and SQLite; it stops with its jobs."""
    product = make_product(WORKERS="2")
    part = product.start()
    url = f"http://127.0.0.1:{product.port}"

    wait_until(lambda: f"Jobdeck is ready at {url}" in product.log.read_text(), what="the URL")
    with urllib.request.urlopen(f"{url}/healthz", timeout=30) as answer:
        assert answer.status == 200
    assert product.run(product.job("hello", "echo hello")) == "succeeded"
    assert serve(product, "--web").returncode != 0
    part.send_signal(signal.SIGTERM)

    assert part.wait(15) == 0
    assert product.processes_left() == []
    assert "JOB hello: Completed successfully (duration: " in product.log.read_text()


def test_web_killed_with_sigkill_frees_the_port_and_comes_back(
    make_product: Callable[..., Product],
) -> None:
    product = make_product()
    with product.log.open("wb") as log:
        part = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), "serve", "--web"],
            env=product.environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    product.parts.append(part)
    wait_until(lambda: "Jobdeck is ready" in product.log.read_text(), what="the web answers")
    (web,) = below(part.pid)
    (worker,) = below(web)

    product_url = f"http://127.0.0.1:{product.port}/healthz"
    signal_web(web)

    wait_until(lambda: not is_alive(worker), what="granian's worker ends")
    wait_until(lambda: answers(product_url), what="the web is back")


def signal_web(pid: int) -> None:
    """Kill the web server's main process."""
    import os

    os.kill(pid, signal.SIGKILL)


def answers(url: str) -> bool:
    """Say whether a page answers."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_taken_port_is_named(make_product: Callable[..., Product]) -> None:
    product = make_product()
    with socket.socket() as other:
        other.bind(("127.0.0.1", product.port))
        other.listen()

        outcome = serve(product)

    assert outcome.returncode == 1
    assert f"Port {product.port} on 127.0.0.1 is taken" in outcome.stderr


def test_shape_of_the_cluster_is_checked(make_product: Callable[..., Product]) -> None:
    product = make_product()

    outcome = serve(product, "--cluster", "main", "--workers", "0")

    assert outcome.returncode == 1
    assert "--workers 0 is out of range. Use 1 to 256." in outcome.stderr
