"""First shells of sites in a periodic structure, by pymatgen, within a time limit."""

import ctypes
import hashlib
import signal
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from types import FrameType
from typing import Any

import numpy as np

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.structure.descriptors import Shell
from rankaae_cli.core.structure.oxidation_states import (
    LONGEST_BOND,
    NOT_ASKED,
    Bond,
    State,
    oxidation_states,
)
from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.structures.pymatgen_structure import structure_of
from rankaae_cli.data.structures.shell_task import MaterialShells, ShellTask

# To be raised when the same structure would give other shells than before: it is part of the cache's keys.
ALGORITHM = 4
_AGAIN_EVERY = 0.1  # seconds
_SAME_PLACE = 0.1  # angstrom; no two atoms are nearer
_NO_SHELL = (
    "no first shell could be found: the atom is not surrounded, as in a cell that is very large or flat"
)


class _TimeOutError(BaseException):
    """Not an Exception, for pymatgen catches those."""


def require_pymatgen() -> None:
    """Raise UserError if pymatgen is not installed. Does not import it, which takes seconds."""
    if find_spec("pymatgen") is None:
        raise UserError('descriptors of structures need pymatgen\npip install "rankaae[structures]"')


def task_key(task: ShellTask) -> str:
    """Return what the result of a task depends on, as a hexadecimal digest."""
    settings = (ALGORITHM, _versions(), task.neighbours, task.oxidation_states, task.sites)
    return hashlib.sha256(repr(settings).encode() + b"\n" + task.poscar).hexdigest()


def compute_named(name: str, task: ShellTask, time_limit: float) -> tuple[str, MaterialShells]:
    """Return the name and what `compute` returns: results come back from the processes in any order."""
    return name, compute(task, time_limit)


def compute(task: ShellTask, time_limit: float) -> MaterialShells:
    """Find the first shells of the wanted sites of one structure.

    Neighbours are found by CrystalNN, to which the valences of bond-valence analysis give the atoms' radii where
    it succeeds, or as all atoms within a radius; for neighbouring oxygens also how many they have. The second
    shell is made of the neighbours' neighbours; by CrystalNN, which is slow, only where all are oxygens.
    Oxidation states are those of `rankaae_cli.core.structure.oxidation_states`.

    Parameters
    ----------
    task
        The structure, the sites, the method.
    time_limit
        Seconds of processor time, so that a busy machine gives the same rows as an idle one.
    """
    _import_pymatgen()
    try:
        with _limited(time_limit), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _compute(task)
    except _TimeOutError:
        return MaterialShells(
            fault=f"time-out: the structure took more than {time_limit:g} s (time_limit=)", timed_out=True
        )


def _import_pymatgen() -> None:
    # Where the limit ended an import half-way, no later structure of the process could be read.
    import pymatgen.analysis.bond_valence
    import pymatgen.analysis.local_env
    import pymatgen.io.vasp  # noqa: F401


def _compute(task: ShellTask) -> MaterialShells:
    try:
        structure = structure_of(task.poscar)
    except SpectrumError as error:
        return MaterialShells(fault=str(error))
    elements = [site.specie.symbol for site in structure]
    sites = [i for i in task.sites if 0 <= i < len(structure)]
    states: list[State] = [(np.nan, NOT_ASKED)] * len(structure)
    if task.oxidation_states:
        valences = _bond_valences(structure)
        states = oxidation_states(elements, _bonds(structure), valences)
        if valences is not None:
            structure.add_oxidation_state_by_site(valences)
    finder = _Finder(structure, task)
    shells, faults = {}, {}
    for i in sites:
        try:
            shells[i] = _shell(finder, i, states[i])
        except Exception:  # such as no Voronoi cell
            faults[i] = _NO_SHELL
    return MaterialShells(
        atoms=len(structure),
        elements=tuple(sorted(set(elements))),
        site_elements={i: elements[i] for i in sites},
        shells=shells,
        faults=faults,
    )


def _bond_valences(structure: Any) -> list[float] | None:
    from pymatgen.analysis.bond_valence import BVAnalyzer

    try:
        valences: list[float] = BVAnalyzer().get_valences(structure)
        return valences
    except Exception:  # ValueError: no consistent valences; others: elements it has no parameters for
        return None


def _bonds(structure: Any) -> list[Bond]:
    here, there, _, length = structure.get_neighbor_list(LONGEST_BOND, exclude_self=True)
    return [Bond(int(i), int(j), float(d)) for i, j, d in zip(here, there, length, strict=True)]


class _Finder:
    """Finds the neighbours of the atoms of one structure, of each atom once."""

    def __init__(self, structure: Any, task: ShellTask) -> None:
        self.structure = structure
        self.neighbours = task.neighbours
        self._known: dict[int, list[tuple[int, str, np.ndarray]]] = {}
        if task.neighbours.method == "crystal_nn":
            from pymatgen.analysis.local_env import CrystalNN

            self._crystal_nn = CrystalNN()

    def of(self, i: int) -> list[tuple[int, str, np.ndarray]]:
        """Return (index, element, vector in angstrom) of each neighbour of atom i, the nearest first."""
        if i not in self._known:
            neighbours = (
                self._by_crystal_nn(i) if self.neighbours.method == "crystal_nn" else self._by_cutoff(i)
            )
            self._known[i] = sorted(neighbours, key=lambda n: float(np.linalg.norm(n[2])))
        return self._known[i]

    def _by_crystal_nn(self, i: int) -> list[tuple[int, str, np.ndarray]]:
        here = self.structure[i].coords
        info = self._crystal_nn.get_nn_info(self.structure, i)
        return [(n["site_index"], n["site"].specie.symbol, n["site"].coords - here) for n in info]

    def _by_cutoff(self, i: int) -> list[tuple[int, str, np.ndarray]]:
        atom = self.structure[i]
        # An atom is no neighbour of its own, its periodic images are: get_neighbors keeps to that.
        atoms = self.structure.get_neighbors(atom, self.neighbours.radius)
        return [(n.index, n.specie.symbol, n.coords - atom.coords) for n in atoms]


def _shell(finder: _Finder, i: int, state: State) -> Shell:
    neighbours = finder.of(i)
    oxidation_state, reason = state
    second = _second_shell(finder, i)
    return Shell(
        vectors_M3=np.array([v for _, _, v in neighbours], dtype=np.float64).reshape(-1, 3),
        elements=tuple(element for _, element, _ in neighbours),
        oxidation_state=oxidation_state,
        neighbour_coordination_M=np.array(
            [len(finder.of(j)) if element == "O" else np.nan for j, element, _ in neighbours],
            dtype=np.float64,
        ),
        absorber=finder.structure[i].specie.symbol,
        second_vectors_L3=None if second is None else np.array([v for _, v in second]).reshape(-1, 3),
        second_elements=tuple(element for element, _ in second or ()),
        oxidation_reason=reason,
    )


def _second_shell(finder: _Finder, i: int) -> list[tuple[str, np.ndarray]] | None:
    """Return (element, vector in angstrom) of the neighbours' neighbours, each once, the nearest first.

    Atom i itself and its neighbours do not belong to it. None where they were not sought.
    """
    neighbours = finder.of(i)
    if finder.neighbours.method == "crystal_nn" and any(element != "O" for _, element, _ in neighbours):
        return None
    # Images of one atom are atoms of their own, told apart by where they are.
    places: dict[int, list[np.ndarray]] = {i: [np.zeros(3)]}
    for j, _, vector in neighbours:
        places.setdefault(j, []).append(vector)
    second = []
    for j, _, vector in neighbours:
        for k, element, onward in finder.of(j):
            there = vector + onward
            if all(np.linalg.norm(there - place) > _SAME_PLACE for place in places.setdefault(k, [])):
                places[k].append(there)
                second.append((element, there.round(6)))
    return sorted(second, key=lambda atom: float(np.linalg.norm(atom[1])))


def _limited(seconds: float) -> AbstractContextManager[None]:
    """Raise _TimeOutError in the body after so many seconds, and again where it was swallowed."""
    if threading.current_thread() is threading.main_thread():
        return _Alarm(seconds)
    return _limited_from_outside(seconds)


class _Alarm:
    """A limit of processor time by SIGPROF, which never goes off once the body was left."""

    def __init__(self, seconds: float):
        self._seconds = seconds
        self._armed = False

    def __enter__(self) -> None:
        self._before = signal.signal(signal.SIGPROF, self._expire)
        self._armed = True
        signal.setitimer(signal.ITIMER_PROF, self._seconds, _AGAIN_EVERY)

    def __exit__(self, *_: object) -> None:
        self._armed = False
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, self._before)

    def _expire(self, signum: int, frame: FrameType | None) -> None:
        # An error raised while the alarm is set or put off would leave it going off for ever.
        if self._armed and frame is not None and frame.f_code not in _OF_THE_ALARM:
            raise _TimeOutError


_OF_THE_ALARM = tuple(f.__code__ for f in (_Alarm.__enter__, _Alarm.__exit__, _Alarm._expire))


@contextmanager
def _limited_from_outside(seconds: float) -> Iterator[None]:
    """Do the same in another thread than the main one, which alone hears signals."""
    thread, error = ctypes.c_ulong(threading.get_ident()), ctypes.py_object(_TimeOutError)
    raise_in_thread = ctypes.pythonapi.PyThreadState_SetAsyncExc
    done, turn, is_raised = threading.Event(), threading.Lock(), False

    clock = time.pthread_getcpuclockid(threading.get_ident())
    end = time.clock_gettime(clock) + seconds

    def expire() -> None:
        nonlocal is_raised
        # A thread has no more processor time than passes on the wall.
        while not done.wait(max(end - time.clock_gettime(clock), _AGAIN_EVERY)):
            with turn:
                if not done.is_set() and time.clock_gettime(clock) >= end:
                    is_raised = True
                    raise_in_thread(thread, error)

    watch = threading.Thread(target=expire, daemon=True)
    watch.start()
    try:
        yield
    finally:
        while True:
            try:
                with turn:
                    done.set()
                    if is_raised:
                        # One may be under way: this takes its place, and arrives here. Were it taken back, CPython
                        # would look for it for ever, and do nothing else where a debugger traces the process.
                        raise_in_thread(thread, error)
                        while True:
                            pass
                break
            except _TimeOutError:
                if done.is_set():
                    break
        watch.join()


@cache
def _versions() -> tuple[str, ...]:
    versions = []
    for package in ("pymatgen", "pymatgen-core"):
        try:
            versions.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            continue
    return tuple(versions)
