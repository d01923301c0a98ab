"""The vocabulary: plain, frozen data that every other part speaks in; no logic."""
