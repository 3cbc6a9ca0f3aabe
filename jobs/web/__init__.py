"""The pages: each view turns a request into one service or query call and its answer into HTML."""
