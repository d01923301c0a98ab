"""What of a trace a check looks at."""
