"""The family file, its rows and splits, and the samples that ship."""
