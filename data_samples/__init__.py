"""Small synthetic families that ship with the program; made by ``make samples``."""
