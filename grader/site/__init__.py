"""The course as a site: the same lessons, exercises and quizzes, in a browser."""
