"""`jobctl`: parse, call the API (over HTTP or in this process), print."""
