"""Processes of the grader: how they are started, spoken to, limited and watched."""
