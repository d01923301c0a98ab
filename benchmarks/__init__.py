"""How fast, how steady and how large the grader is: `python -m benchmarks`."""
