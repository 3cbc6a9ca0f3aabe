"""The stock admin, for looking things up: everything that changes state goes through services."""

from django.apps import apps
from django.contrib import admin

from jobs.admin import definitions, history, people

__all__ = ["definitions", "history", "people"]

# The pool's own tables hold pickles and a second scheduler; neither belongs under anybody's hands.
for _model in apps.get_app_config("django_q").get_models():
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)

admin.site.site_header = "Jobdeck"
admin.site.site_title = "Jobdeck"
admin.site.index_title = "Looking things up"
