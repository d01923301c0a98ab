"""The judge in a process of its own, which stays warm from one file to the next."""
