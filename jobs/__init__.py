"""Jobdeck's one Django app: jobs, their schedules, executions and everything around them."""

__version__ = "0.1.0"
