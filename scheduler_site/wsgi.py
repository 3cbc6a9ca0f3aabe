"""WSGI entry point: what granian, or any other server, serves."""

import os

from django.core.signals import request_finished
from django.core.wsgi import get_wsgi_application

from jobs.web.collecting import Collector

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scheduler_site.settings")
application = get_wsgi_application()
_collector = Collector()  # kept here: a signal does not keep its receivers
request_finished.connect(_collector.answered)
