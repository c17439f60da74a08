"""Training trials side by side with Lightning, whatever the kind of model."""
