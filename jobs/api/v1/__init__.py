"""The native API, one router for each noun."""
