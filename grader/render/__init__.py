"""Turns reports and traces into words and pictures. Renderers decide nothing."""
