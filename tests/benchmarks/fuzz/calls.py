"""Mutated calls: each is taken, or refused in one or two lines with status 2, before a command does anything."""

import contextlib
import importlib.resources
import io
import tempfile
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import SimpleNamespace
from unittest import mock

from rankaae_cli import cli
from tests.benchmarks.fuzz.readings import Reader, Wrong, require_sentence
from tests.benchmarks.fuzz.seeds import Seed
from tests.benchmarks.fuzz.text_mutations import NUMBERS

_CALLS = (
    ("train", "+family=Fe_oxides", "trials=2", "seed=3", "model.free_styles=3", "objective.prior.kind=mmd"),
    ("train", "+family=Cu_oxides", "+experiment=published", "data=[a.h5,b.h5]", "hydra.run.dir=run"),
    ("train", "kind=supervised", "family=Fe_oxides", "model=blend", "data=a.h5", "split_by=chemical_system"),
    ("train", "kind=diffusion", "+family=amorphous_carbon", "split_seed=31", "start=runs/x", "logger=csv"),
    ("ingest", "+family=Cu_oxides", "source=npz", "npz.energy_start=8983.5", "path=x y.npz", "output=x.h5"),
    ("ingest", "+family=Ti_oxides", "source=synthetic", "synthetic.few=60", "family.energy.points=128"),
    ("evaluate", "run=runs/Fe/1", "split=validation", "baselines=[blend,vae]", "resamples=5"),
    ("traverse", "run=latest", "levels=5", "draws=2000", "others=independent", "check_rows=test"),
    ("report", "run=[runs/a,runs/b]", "output=paper", "pages=false"),
    ("predict", "model=Cu_oxides", "input=CuO.xdi", "offset=5.1", "offset_uncertainty=0.5", "figures=-1"),
    (
        "predict",
        "input=[a.xdi,b c.xdi]",
        "measured.columns={energy: 0, mu: 2}",
        "coverage=0.95",
        "density=2.9",
    ),
    ("align", "references={Cu2O.xdi:1,CuO.xdi:{OS:2,CN:4}}", "output=cu.yaml", "search=10"),
    ("compare", "a.h5", "b.txt", "published=true", "reach=40"),
    ("models", "model=Cu_oxides"),
)
_WORDS = (
    *("--cfg", "job", "--help", "--resolve", "--config-name", "--config-dir", "-cd", "--package", "-x"),
    *("--hydra-help", "--", "-", "=", "", " ", "+", "~", "++", "~seed", "@", "a b", "hydra=x", "+hydra.x=1"),
    *("hydra/job_logging=x", "hydra.mode=x", "hydra.verbose=x", "+a=1", "++seed.x=1", "family=a,b", "run.x=1"),
    *("~family", "~run", "kind=x", "+kind=forward", "model@x=mlp", "x@y:z=1", "hydra/sweeper=optuna", "\u00e9=1"),
)  # fmt: skip
_VALUES = (
    *("null", "true", "{}", "[]", "a,b", "1,2,3", "[1,[2,[3]]]", "{a:{b:{c:{d:[1,{e:2}]}}}}", "{a:1", "a]", "'"),
    *('"', "'a", '"a\'', "\\", "\\'", "a'b", "$x", "$(ls)", "`ls`", "${", "${x}", "${oc.env:HOME}", "${hydra:x}"),
    *("${now:%Y}", "${a.b[0]}", "interval(1,2)", "choice(1,2)", "range(1,3)", "sort(3,1)", "glob(*)", "tag(x,1)"),
    *("int(x)", "cast(", "a:b", ":", "a=b", "==", "\u00fcber", "\u5149\u8c31", "\u202e", "\x1b[31m", "\x7f", "\t"),
    *("\udcff", "#", "%", "?", "*", "..", "../..", "/dev/null", "~", "!!python/object:os.system", "&a", "???", "-"),
    *("1e400", "-1e400", "9" * 400, "0.1.2", "1e-400", "0b1", "TRUE", "Null", ".", "a" * 5000, "x " * 500),
)  # fmt: skip


@dataclass(frozen=True)
class CallReader(Reader):
    """What takes calls; a file holds one, a word a line."""

    def mutated(self, number: str) -> Seed:
        """Return the mutated call of a number, which is always the same."""
        random = Random(number)
        command, *words = random.choice(_CALLS)
        for _ in range(random.randint(1, 3)):
            random.choice(_MUTATIONS)(random, words)
        if random.random() < 0.02:
            command = random.choice(["trian", "", "--version", "help", "\u00e9", "-m"])
        return "\n".join([command, *words]).encode("utf-8", "surrogateescape")


def _other_value(random: Random, words: list[str]) -> None:
    at = random.randrange(len(words) + 1)
    key = words[at].partition("=")[0] if at < len(words) else "seed"
    value = random.choice(random.choice([_VALUES, NUMBERS]))
    if random.random() < 0.2:
        value = random.choice(["[{}]", "{{a:{}}}", "'{}'", "{0},{0}", '"{}"', "{}{}"]).format(value, value)
    if random.random() < 0.1:
        start, end = random.choice([("[", "]"), ("{a:", "}"), ("int(", ")"), ("(", ")"), ("[", "")])
        depth = random.choice([5, 100, 3000])
        value = start * depth + value + end * depth
    words[at : at + 1] = [f"{key}={value}"]


def _other_key(random: Random, words: list[str]) -> None:
    at = random.randrange(len(words))
    key, equals, value = words[at].partition("=")
    inner = random.randrange(len(key) + 1)
    key = random.choice(
        [
            *(f"{key}.x", f"{key}.x.y.z", f"x.{key}", f"+{key}", f"++{key}", f"~{key}", f"{key}@x", f"@{key}"),
            *(f"{key}[0]", f"{key}.0", f"hydra.{key}", f"hydra/{key}", f"{key}/x", f"{key}:x", f"{key}."),
            *(f".{key}", f"{key}=", f"={key}", f"{key} x"),
            *(key.upper(), key[1:], key[:-1], key * 200, f"{key}.a" * 300, key[:inner] + "\u00e9" + key[inner:]),
            *(key.replace(".", ".."), key.replace("_", "-"), f"'{key}'", f"{key} ", "${seed}", "_target_"),
        ]
    )  # fmt: skip
    words[at] = key + equals + value


def _letters(random: Random, words: list[str]) -> None:
    at = random.randrange(len(words))
    word = words[at]
    for _ in range(random.choice([1, 1, 3])):
        inner = random.randrange(len(word) + 1)
        letters = "'\"{}[](),:=.$\\/ \t@+~-#%&*;<>|!?^\u00e9\udc80\r\v" + chr(random.randrange(1, 10))
        word = word[:inner] + random.choice(letters) + word[inner + random.randrange(2) :]
    words[at] = word


def _other_words(random: Random, words: list[str]) -> None:
    kind, at = random.randrange(4), random.randrange(len(words))
    if kind == 0 and len(words) > 1:
        del words[at]
    elif kind == 1:
        words += random.choices(words, k=random.choice([1, 1, 50]))
    elif kind == 2:
        words[at : at + 1] = words[at].split("=", 1)
    else:
        words.insert(at, random.choice(_WORDS))


_MUTATIONS = (_other_value, _other_value, _other_key, _letters, _other_words)


def take_call(path: Path) -> bool:
    """Make a call whose command does nothing once it has its configuration; return whether it is taken.

    Raises
    ------
    Wrong
        If it ends with another status than 0 and 2, or is refused otherwise than in a sentence.
    """
    words = path.read_bytes().decode("utf-8", "surrogateescape").split("\n")
    said, idle = io.StringIO(), SimpleNamespace(run=lambda cfg: {})
    libraries = SimpleNamespace(import_module=lambda name: idle, resources=importlib.resources)
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.chdir(folder),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(said),
        mock.patch.object(cli, "importlib", libraries),
    ):
        status = cli.main(words)
    if status not in (cli.DONE, cli.WRONG_CALL):
        raise Wrong(f"status {status}: {said.getvalue()[:300]}")
    if status == cli.WRONG_CALL:
        require_sentence(said.getvalue().strip().removeprefix("rankaae: "))
    return status == cli.DONE
