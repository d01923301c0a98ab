"""HTTP servers that a scenario puts beside the app: its upstreams."""
