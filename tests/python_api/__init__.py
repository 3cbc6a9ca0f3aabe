"""The scheduler inside a program."""
