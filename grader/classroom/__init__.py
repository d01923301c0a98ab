"""A whole class: finds what was handed in, has it graded, keeps and shows what was found."""
