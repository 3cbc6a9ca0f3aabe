"""Mount the faces of the product: pages, JSON, admin."""

from django.contrib import admin
from django.urls import include, path

from jobs.api.urls import metrics_view

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/v1/cron/", include("jobs.api.compat.cron")),  # before all that is under it
    path("api/", include("jobs.api.urls")),
    path("cron/", include("jobs.api.compat.cron")),
    path("metrics", metrics_view, name="metrics"),
    path("tumblebug/", include("jobs.api.compat.tumblebug")),
    path("", include("jobs.web.urls")),
]
