"""Plain functions: guard, fetch, one service or query, answer."""
