"""What the page shows for papers."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Papers:
    """Methods, references and files of a run, for its page.

    Attributes
    ----------
    paragraphs
        Each a sequence of pieces: words, and the numbers of the works cited after them.
    references
        The numbered list: each work as printed, and its address on the web (empty where none).
    method_number
        The number of the work on the method.
    bibtex
        The same as BibTeX.
    to_complete
        What the authors have to add.
    files
        Pairs of a file or folder beside the page and what it holds.
    style
        A line of Python that draws a figure in the style of the report's.
    """

    paragraphs: Sequence[Sequence[tuple[str, Sequence[int]]]]
    references: Sequence[tuple[str, str]]
    method_number: int
    bibtex: str
    to_complete: Sequence[str]
    files: Sequence[tuple[str, str]]
    style: str
