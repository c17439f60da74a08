"""What a scan of FEFF folders finds, kept in a temporary file so that memory does not grow with it."""

import sqlite3
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np

from rankaae_cli.core.errors import UserError
from rankaae_cli.data.family.sites import FamilySpec
from rankaae_cli.data.structures.shell_task import ShellTask

# `above` holds the folders that materials lie in, or are: a site's folder among them is none.
_TABLES = """
CREATE TABLE structure (folder TEXT PRIMARY KEY, poscar BLOB, fault TEXT, relaxed INTEGER);
CREATE TABLE spectrum (number INTEGER PRIMARY KEY, folder TEXT, site INTEGER, spectrum BLOB, described BLOB);
CREATE INDEX spectrum_folder ON spectrum (folder);
CREATE TABLE part (folder TEXT, site INTEGER, edge TEXT, spectrum BLOB, PRIMARY KEY (folder, site, edge));
CREATE TABLE place (path TEXT PRIMARY KEY, folder TEXT, site TEXT, accounted INTEGER);
CREATE INDEX place_folder ON place (folder);
CREATE TABLE above (path TEXT PRIMARY KEY) WITHOUT ROWID;
"""
_ROWS_AT_ONCE = 512
_MEMORY = 16 * 1024  # KiB of the file that are held in memory


@dataclass(frozen=True)
class SpooledSpectrum:
    """A spectrum of one site: its number in the order of finding, the index of the site, shape (E,) float32."""

    number: int
    site: int
    spectrum_E: np.ndarray


class FeffSpool:
    """Structures, spectra and site folders by the material's folder; a context manager.

    Folders are paths with slashes. The file lies in the folder for temporary files (``TMPDIR``) and is gone at
    the end, whatever that end is.

    Raises
    ------
    UserError
        From any method, if the disk is full.
    """

    def __enter__(self) -> "FeffSpool":
        # An empty name: a file that no one else sees. Nothing in it outlives the process, so no journal.
        # joblib asks for structures from threads of its own.
        self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._lock = threading.Lock()
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute(f"PRAGMA cache_size = -{_MEMORY}")
        self._db.create_function("effort", 1, effort_of, deterministic=True)
        self._db.executescript(_TABLES)
        self._db.execute("BEGIN")
        self._last = ("", "")  # the place and folder that came last: a site has many files
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._db.close()

    def see_place(self, path: str, folder: str, site: str) -> None:
        """Take note of a site's folder: its path, the material's folder, the site's name."""
        if (path, folder) == self._last:
            return
        self._last = (path, folder)
        self._do("INSERT OR IGNORE INTO place VALUES (?, ?, ?, 0)", (path, folder, site))
        parts = folder.split("/")
        prefixes = [("/".join(parts[:n]),) for n in range(len(parts) + 1)]
        with self._explained():
            self._db.executemany("INSERT OR IGNORE INTO above VALUES (?)", prefixes)

    def account(self, path: str) -> bool:
        """Take a site's folder for accounted for; return whether it was before."""
        before = self._do("SELECT accounted FROM place WHERE path = ?", (path,))
        self._do("UPDATE place SET accounted = 1 WHERE path = ?", (path,))
        return bool(before and before[0][0])

    def put_structure(self, folder: str, poscar: bytes | None, fault: str, relaxed: bool = False) -> None:
        """Put in the POSCAR of a material, or why it could not be read; the first of a folder counts.

        A relaxed one (a CONTCAR) counts where there is no other.
        """
        self._do(
            "INSERT INTO structure VALUES (?, ?, ?, ?) ON CONFLICT (folder) DO UPDATE SET relaxed = 0, "
            "poscar = excluded.poscar, fault = excluded.fault WHERE relaxed AND NOT excluded.relaxed",
            (folder, poscar, fault, relaxed),
        )

    def put_spectrum(self, folder: str, site: int, spectrum_E: np.ndarray) -> None:
        """Put in the spectrum of a site, shape (E,), float32."""
        self._do(
            "INSERT INTO spectrum (folder, site, spectrum) VALUES (?, ?, ?)",
            (folder, site, spectrum_E.astype("<f4").tobytes()),
        )

    def put_part(self, folder: str, site: int, edge: str, spectrum_E: np.ndarray) -> bool:
        """Put in the weighted spectrum of one of several edges, (E,); return whether it is the first of it."""
        if self._do("SELECT 1 FROM part WHERE folder = ? AND site = ? AND edge = ?", (folder, site, edge)):
            return False
        blob = spectrum_E.astype("<f8").tobytes()
        self._do("INSERT INTO part VALUES (?, ?, ?, ?)", (folder, site, edge, blob))
        return True

    def join_parts(self, edges: Sequence[str]) -> Iterator[tuple[str, int, str]]:
        """Make the sum of a site's parts its spectrum; where some lack, yield folder, site and those there are."""
        last = ("", -1)
        while True:
            page = self._do(
                "SELECT folder, site, GROUP_CONCAT(edge, ' and '), COUNT(*) FROM part "
                "WHERE (folder, site) > (?, ?) GROUP BY folder, site ORDER BY folder, site LIMIT ?",
                (*last, _ROWS_AT_ONCE),
            )
            for folder, site, names, count in page:
                if count < len(edges):
                    yield folder, site, names
                    continue
                parts = self._do("SELECT spectrum FROM part WHERE folder = ? AND site = ?", (folder, site))
                total_E = np.sum([np.frombuffer(blob, "<f8") for (blob,) in parts], axis=0)
                self.put_spectrum(folder, site, total_E)
            if len(page) < _ROWS_AT_ONCE:
                return
            last = page[-1][:2]

    def describe(self, number: int, values: Sequence[float]) -> None:
        """Put in the descriptors and quantities of a spectrum, by its number: it is a row of the family."""
        self._do(
            "UPDATE spectrum SET described = ? WHERE number = ?",
            (np.asarray(values, dtype="<f8").tobytes(), number),
        )

    @property
    def spectra(self) -> int:
        """How many spectra there are."""
        return int(self._do("SELECT COUNT(*) FROM spectrum")[0][0])

    def fault_of(self, folder: str) -> str:
        """Return why a material has no structure, or nothing."""
        rows = self._do("SELECT fault FROM structure WHERE folder = ?", (folder,))
        return str(rows[0][0]) if rows else "no POSCAR or CONTCAR in the folder of the material"

    def folders(self) -> Iterator[str]:
        """Yield the folders of the materials that have a spectrum, sorted."""
        last: str | None = None
        while True:
            page = self._do(
                "SELECT DISTINCT folder FROM spectrum WHERE folder > ? OR ? IS NULL ORDER BY folder LIMIT ?",
                (last, last, _ROWS_AT_ONCE),
            )
            yield from (folder for (folder,) in page)
            if len(page) < _ROWS_AT_ONCE:
                return
            last = page[-1][0]

    def spectra_of(self, folder: str) -> list[SpooledSpectrum]:
        """Return the spectra of a material in the order of finding."""
        rows = self._do(
            "SELECT number, site, spectrum FROM spectrum WHERE folder = ? ORDER BY number", (folder,)
        )
        return [SpooledSpectrum(n, site, np.frombuffer(content, "<f4")) for n, site, content in rows]

    def described(self, folder: str) -> list[tuple[int, np.ndarray, np.ndarray]]:
        """Return (site, spectrum of shape (E,), descriptors and quantities) of a material's rows."""
        rows = self._do(
            "SELECT site, spectrum, described FROM spectrum WHERE folder = ? AND described IS NOT NULL "
            "ORDER BY number",
            (folder,),
        )
        return [(site, np.frombuffer(s, "<f4"), np.frombuffer(d, "<f8")) for site, s, d in rows]

    def sites_without_spectrum(self) -> list[tuple[str, str]]:
        """Return (material's folder, site) of the site folders that are not accounted for, as they were found."""
        return self._do(
            "SELECT folder, site FROM place WHERE NOT accounted AND path NOT IN (SELECT path FROM above) "
            "ORDER BY rowid"
        )

    def structures_without_site(self) -> list[str]:
        """Return the folders of the structures with no site's folder beside or above them."""
        lone = self._do(
            "SELECT folder FROM structure WHERE folder NOT IN "
            "(SELECT folder FROM place WHERE path NOT IN (SELECT path FROM above)) ORDER BY rowid"
        )
        return [folder for (folder,) in lone if not self._has_sites_above(folder)]

    def _has_sites_above(self, folder: str) -> bool:
        parts = folder.split("/") if folder else []
        return any(
            self._do(
                "SELECT 1 FROM place WHERE folder = ? AND path NOT IN (SELECT path FROM above) LIMIT 1",
                ("/".join(parts[:n]),),
            )
            for n in range(len(parts))
        )

    def tasks(self, spec: FamilySpec) -> "FeffTasks":
        """Return what is to be computed, by the material's folder, the largest structure first."""
        return FeffTasks(self, spec)

    def _do(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        with self._explained():
            return self._db.execute(statement, values).fetchall()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            with self._lock:
                yield
        except sqlite3.OperationalError as error:
            raise UserError(
                f"the temporary file of this ingest cannot be written in {tempfile.gettempdir()}: is it full?\n"
                "free some space there, or name another folder for temporary files with TMPDIR="
            ) from error


def effort_of(size: int) -> int:
    """Return how long the shells of a structure take, in no unit, from the size of its POSCAR in bytes.

    Of the copper oxides of the Materials Project, the largest tenth takes a third of the time, as this has it.
    """
    return int(size**1.5)


class FeffTasks(Mapping[str, ShellTask]):
    """The structures that have spectra, each read when it is asked for."""

    _WHERE = "poscar IS NOT NULL AND EXISTS (SELECT 1 FROM spectrum WHERE spectrum.folder = structure.folder)"

    def __init__(self, spool: FeffSpool, spec: FamilySpec) -> None:
        self._spool = spool
        self._spec = spec
        spool._do("DROP TABLE IF EXISTS task")
        spool._do(
            "CREATE TABLE task AS SELECT folder AS folder, effort(length(poscar)) AS effort FROM structure WHERE "
            f"{self._WHERE} ORDER BY length(poscar) DESC, folder"
        )
        spool._do("CREATE INDEX task_folder ON task (folder)")

    def effort(self, folder: str | None = None) -> int:
        """Return how long a structure takes, or all of them together, in no unit; see `effort_of`."""
        which, values = ("", ()) if folder is None else (" WHERE folder = ?", (folder,))
        return int(self._spool._do(f"SELECT TOTAL(effort) FROM task{which}", values)[0][0])

    def __len__(self) -> int:
        return int(self._spool._do("SELECT COUNT(*) FROM task")[0][0])

    def __iter__(self) -> Iterator[str]:
        last = 0
        while page := self._spool._do(
            "SELECT rowid, folder FROM task WHERE rowid > ? ORDER BY rowid LIMIT ?", (last, _ROWS_AT_ONCE)
        ):
            yield from (folder for _, folder in page)
            last = page[-1][0]

    def __getitem__(self, folder: str) -> ShellTask:
        rows = self._spool._do("SELECT poscar FROM structure WHERE folder = ?", (folder,))
        if not rows or rows[0][0] is None:
            raise KeyError(folder)
        sites = self._spool._do(
            "SELECT DISTINCT site FROM spectrum WHERE folder = ? ORDER BY site", (folder,)
        )
        return ShellTask(
            poscar=rows[0][0],
            sites=tuple(site for (site,) in sites),
            neighbours=self._spec.neighbours,
            oxidation_states=self._spec.needs_oxidation_states,
        )
