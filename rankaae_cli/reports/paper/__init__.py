"""Methods, citations and numbers for a paper."""
