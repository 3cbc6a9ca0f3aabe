"""Which tests run one after the other on one worker, for they share a product or a server.

pytest-xdist tells it to the run by the ids of tests, which pytest 9 does not let it change: marks of
groups are without effect. Here the id itself says it.
"""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

# They empty the one Redis that all share.
WITH_REDIS = (
    "tests/engine/test_transport.py",
    "tests/e2e/test_queues.py",
    "tests/e2e/test_redis.py",
)
# They use the one product of `shared`.
WITH_SHARED_PRODUCT = ("tests/e2e/test_isolation.py", "tests/e2e/test_pool_survives.py")
# Each of their tests starts a dozen processes, or has a product for the whole file.
BY_FILE = ("tests/e2e/", "tests/python_api/test_scheduler.py")


def group_of(nodeid: str) -> str:
    """Return the name of what runs one after the other with a test, its own id when nothing does."""
    path = nodeid.partition("::")[0]
    if path.startswith("tests/browser/"):
        return "browser"  # one product, one Chromium
    if path in WITH_REDIS:
        return "redis"
    if path in WITH_SHARED_PRODUCT:
        return "shared product"
    return path if path.startswith(BY_FILE) else nodeid


class TogetherScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist is not annotated
    """Give a worker the whole of a group, and other tests one by one."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)
