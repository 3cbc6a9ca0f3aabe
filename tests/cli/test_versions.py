"""`jobctl versions` and `jobctl restore`."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Jobctl
from tests.factories import make_changed_job

pytestmark = pytest.mark.django_db


def test_jobctl_tells_versions_and_brings_one_back(jobctl: Jobctl) -> None:
    make_changed_job()
    listed = jobctl("versions", "early")
    second = jobctl("versions", "early", "2")
    back = jobctl("restore", "early", "1")
    again = jobctl("restore", "nightly", "1")

    assert [line.split()[0] for line in listed.lines] == ["version", "3", "2", "1"]
    assert "spec.script" in second.out
    assert back.out == "nightly has version 4, as version 1\n"
    assert again.out == "nightly is as in version 1\n"
    assert jobctl("restore", "nightly", "9").code == 1
    assert jobctl("versions", "nightly", "--against", "1").code == 2
