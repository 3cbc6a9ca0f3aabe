"""WSGI entry point: what granian, or any other server, serves."""

import ctypes
import os
import signal
import sys

from django.core.wsgi import get_wsgi_application

PR_SET_PDEATHSIG = 1

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scheduler_site.settings")

if sys.platform == "linux" and os.environ.get("JOBDECK_SUPERVISED"):
    # Killed with SIGKILL, granian leaves its worker behind, which keeps the port: die with it.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)

application = get_wsgi_application()
