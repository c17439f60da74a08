"""The page of several runs."""
