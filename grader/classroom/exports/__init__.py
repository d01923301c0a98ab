"""The results of a class for other programs: each module writes one form."""
