"""Interfaces that other programs already speak: each translates words and owns no state."""
