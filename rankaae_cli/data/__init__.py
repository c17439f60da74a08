"""Readers of foreign formats, the family file and splits."""
