"""Programs that stand in for others, and the finding of real ones."""
