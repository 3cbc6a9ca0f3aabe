"""Every read that spans rows; each returns frozen dataclasses or querysets."""
