"""Every write, one function for each use case; pages, API, facades, CLI and admin call these."""
