"""Evaluations and predictions of models that tell yes/no classes."""
