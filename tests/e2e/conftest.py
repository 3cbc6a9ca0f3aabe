"""A product for a test, and one that several tests of a file share."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.e2e.databases import Database, each_database
from tests.e2e.harness import Product

HERE = Path(__file__).parent
REQUIRED = os.environ.get("JOBDECK_TESTS_REQUIRE_ALL") == "1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run these tests one after the other: each starts a dozen processes."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("e2e"))


@pytest.fixture
def make_product(tmp_path: Path) -> Iterator[Callable[..., Product]]:
    """Return a function that makes a product with settings from the environment."""
    made: list[Product] = []

    def make(**environment: str) -> Product:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(Product(folder, **environment))
        return made[-1]

    yield make
    for product in made:
        product.close()


@pytest.fixture
def postgres_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Return the address of an empty PostgreSQL database, for tests marked ``postgres``."""
    if request.node.get_closest_marker("postgres") is None:
        yield ""
        return
    server = os.environ.get("TEST_POSTGRES_URL")
    if not server:
        if REQUIRED:
            pytest.fail("TEST_POSTGRES_URL is not set.")
        pytest.skip("TEST_POSTGRES_URL is not set")
    import psycopg

    name = f"jobdeck_e2e_{os.getpid()}_{secrets.token_hex(4)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        yield urlsplit(server)._replace(path=f"/{name}").geturl()
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Return an empty database of the product, on each engine."""
    with each_database(request.param, tmp_path) as made:
        made.manage("migrate", "-v0")
        yield made


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Return a product without web that runs for all tests of the module."""
    product = Product(tmp_path_factory.mktemp("product"), WORKERS="2")
    product.start("--dispatcher", "--cluster", "main")
    yield product
    product.close()
