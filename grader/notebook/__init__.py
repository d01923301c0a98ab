"""The magics for notebooks: `%load_ext grader`, then `%%grade day53 2` at the top of a cell."""
