"""The process that decides: it asks players for traces, and compares them."""
