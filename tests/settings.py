"""The product's settings for its own tests: a private data directory, quick password hashes."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

_data = tempfile.mkdtemp(prefix="jobdeck-tests-")
atexit.register(shutil.rmtree, _data, ignore_errors=True)
os.environ["JOBDECK_DATA"] = _data
os.environ["BUILTIN_JOBS"] = "0"  # the tests count jobs

from scheduler_site.settings import *  # noqa: E402, F403
from scheduler_site.settings import LOGGING, MIDDLEWARE  # noqa: E402

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
LOGGING = {**LOGGING, "root": {"handlers": ["stderr"], "level": "WARNING"}}
# Tests are refused hundreds of times; the one about that puts it back.
MIDDLEWARE = [one for one in MIDDLEWARE if one != "jobs.web.turned_away.RefusalsMiddleware"]
# Files are looked up when they are asked for: each test client would read them all at its start.
WHITENOISE_AUTOREFRESH = True
STATIC_ROOT.mkdir(exist_ok=True)  # noqa: F405 - whitenoise wants it to be there
