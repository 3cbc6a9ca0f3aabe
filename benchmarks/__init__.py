"""Repeatable measurements; `make bench` runs them all and prints the tables of the README."""
