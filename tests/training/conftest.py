"""Fixtures of small trainings."""

from tests.tasks import family, request_of

__all__ = ["family", "request_of"]
