"""Forward models: from features of a site to its spectrum."""
