"""The processes that learners' code runs in: a forkserver, and the players that it forks."""
