"""The files of a course: what they are called, how they are read, and what they hold."""
