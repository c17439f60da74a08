"""Readers of yes/no classes, such as the functional groups of a molecule, from one edge or several."""
