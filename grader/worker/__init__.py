"""The processes that learners' code runs in: a warm parent, and its forked players."""
