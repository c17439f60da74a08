"""Tables for papers: rows as LaTeX, whatever names they hold, and the same as CSV."""

import textwrap
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from rankaae_cli.data.files import write_text
from rankaae_cli.reports.tables import Table, csv_text

_SIGNS = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{",
    "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "Å": r"\AA{}", "å": r"\aa{}",
    "°": r"$^\circ$", "²": r"$^2$", "³": r"$^3$", "±": r"$\pm$", "|": r"$|$", "–": "--", "—": "---",
    "−": "$-$", "<": r"$<$", ">": r"$>$", "≤": r"$\leq$", "≥": r"$\geq$", "×": r"$\times$", "·": r"$\cdot$",
    "…": r"\ldots{}", "“": "``", "”": "''", "‘": "`", "’": "'", '"': r"\char34{}", "\u00a0": "~",
    # At the start of a row, after \\, these two would be read as its arguments.
    "[": "{[}", "*": "{*}",
    "ß": r"{\ss}", "ø": r"{\o}", "Ø": r"{\O}", "æ": r"{\ae}", "Æ": r"{\AE}", "œ": r"{\oe}", "Œ": r"{\OE}",
    "ł": r"{\l}", "Ł": r"{\L}", "ı": r"{\i}", "µ": r"$\mu$", "∞": r"$\infty$", "√": r"$\surd$",
    "→": r"$\to$", "ο": "o",
}  # fmt: skip
_GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ζ": "zeta", "η": "eta",
    "θ": "theta", "ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "π": "pi",
    "ρ": "rho", "σ": "sigma", "τ": "tau", "υ": "upsilon", "φ": "phi", "χ": "chi", "ψ": "psi", "ω": "omega",
    "Γ": "Gamma", "Δ": "Delta", "Θ": "Theta", "Λ": "Lambda", "Ξ": "Xi", "Π": "Pi", "Σ": "Sigma", "Φ": "Phi",
    "Ψ": "Psi", "Ω": "Omega",
}  # fmt: skip
_ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u", "\u0307": ".",
    "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0327": "c", "\u0328": "k",
}  # fmt: skip
_LEAST_HEADING = 9  # characters
_COLUMN_CHARACTERS = 52  # of footnotesize in a column of 3.4 inches


def latex_text(table: Table) -> str:
    r"""Return a table to be ``\input``: a float with caption and label, the rules of the booktabs package.

    Notes
    -----
    Long headings are broken into lines. A table too wide for a journal's column takes the page's width
    (``table*``); one too wide for that is scaled down to it.
    """
    printed, columns = table.printed(), range(len(table.keys))
    sides = ["l" if any(isinstance(row[i], str) for row in table.rows) else "r" for i in columns]
    cells = [max((len(row[i]) for row in printed), default=0) for i in columns]
    stacked = [_broken(heading, width) for heading, width in zip(table.headings, cells, strict=True)]
    widths = [max(width, *map(len, lines)) for width, lines in zip(cells, stacked, strict=True)]
    floating = "table*" if sum(widths) + len(widths) > _COLUMN_CHARACTERS else "table"
    frame = pd.DataFrame(
        [[escape_latex(cell) for cell in row] for row in printed], columns=list(map(_stacked, stacked, sides))
    )
    tabular = frame.style.hide(axis="index").to_latex(column_format="".join(sides), hrules=True)
    lines = [
        "% \\input this file; needs \\usepackage{booktabs,graphicx}",
        f"\\begin{{{floating}}}",
        "\\centering\\footnotesize",
        f"\\caption{{{escape_latex(table.caption)}}}",
        f"\\label{{tab:{table.name}}}",
        "\\par\\smallskip\\setlength{\\tabcolsep}{4pt}",
        "\\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%",
        f"{tabular.rstrip()}}}",
        f"\\end{{{floating}}}",
    ]
    return "\n".join(lines) + "\n"


def escape_latex(text: str) -> str:
    r"""Return `text` as ASCII that LaTeX, with any engine, prints as it stands.

    A letter that no accent makes out of an ASCII one is printed by its number, such as ``[U+4E2D]``.
    """
    return "".join(_escaped(letter) for letter in unicodedata.normalize("NFC", text))


def write_table(table: Table, folder: Path) -> list[Path]:
    """Write ``<folder>/<name>.csv`` and ``.tex``; return the paths."""
    return [
        write_text(folder / f"{table.name}.csv", csv_text(table)),
        write_text(folder / f"{table.name}.tex", latex_text(table)),
    ]


def _escaped(letter: str) -> str:
    if letter in _SIGNS:
        return _SIGNS[letter]
    if letter in _GREEK:
        return f"$\\{_GREEK[letter]}$"
    if letter.isascii():
        return letter if letter.isprintable() else " "
    base, *marks = list(unicodedata.normalize("NFD", letter))
    if len(marks) == 1 and marks[0] in _ACCENTS and base.isascii():
        mark = _ACCENTS[marks[0]]
        return f"{{\\{mark}{{{base}}}}}"
    return f"{{[}}U+{ord(letter):04X}]"


def _broken(heading: str, width: int) -> list[str]:
    """Break a heading into lines that hardly widen a column of cells of `width` characters."""
    return textwrap.wrap(heading, max(width, _LEAST_HEADING), break_long_words=False) or [""]


def _stacked(lines: Sequence[str], side: str) -> str:
    escaped = [escape_latex(line) for line in lines]
    together = "\\\\".join(escaped)
    return together if len(lines) == 1 else f"\\shortstack[{side}]{{{together}}}"
