"""Broken networks, one file per kind of mistake."""
