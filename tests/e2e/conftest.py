"""A product for a test, and one that several tests of a file share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest

from tests.e2e.databases import Database, each_database, postgres_database
from tests.e2e.harness import Product
from tests.e2e.servers import Postgres, own_postgres

HERE = "tests/e2e/"
TEMPLATE = "migrated"
SECRET = "s3cret-of-the-server-0123456789-abcdefghijklmnopqrstuvwxyz"
REQUIRED = os.environ.get("JOBDECK_TESTS_REQUIRE_ALL") == "1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Few of these tests are short enough for `make test`."""
    for item in items:
        if item.nodeid.startswith(HERE) and item.get_closest_marker("short") is None:
            item.add_marker(pytest.mark.long)


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
    with postgres_database(server) as url:
        yield url


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Postgres]]:
    """Return a function that starts a PostgreSQL server with an empty product in `TEMPLATE`, once."""
    with ExitStack() as stack:

        @cache
        def server() -> Postgres:
            postgres = stack.enter_context(own_postgres())
            url = postgres.create(TEMPLATE)
            first = Product(tmp_path_factory.mktemp("migrated"), DATABASE_URL=url)
            first.close()  # made the tables
            return postgres

        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Return an empty database of the product, on each engine."""
    with each_database(request.param, tmp_path) as made:
        yield made


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Return a product without web, whose environment has secrets, that runs for all tests."""
    product = Product(
        tmp_path_factory.mktemp("product"),
        WORKERS="2",
        SECRET_KEY=SECRET,
        AWS_SECRET_ACCESS_KEY=SECRET,
    )
    product.start("--dispatcher", "--cluster", "main")
    yield product
    product.close()
