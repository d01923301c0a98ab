"""The checks of day 53 without a virtual clock, as a suite of pytest."""
