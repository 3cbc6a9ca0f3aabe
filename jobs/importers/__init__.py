"""Files of other systems: read and explained as plain values; nothing is written here."""
