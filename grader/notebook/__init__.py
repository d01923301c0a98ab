"""The magics for notebooks: `%load_ext grader`, then `%%grade dayNN 2` at the top of a cell."""
