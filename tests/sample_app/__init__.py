"""A project's app with jobs, as Jobdeck finds it."""
