"""Loops and the runner: what the product's own processes do all day."""
