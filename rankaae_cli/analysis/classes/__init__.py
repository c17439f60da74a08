"""Evaluations and predictions of models that read yes/no classes."""
