"""Atomic structures and the shells around their absorbing sites."""
