# make help lists the targets.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin
WORKERS ?= $(shell nproc 2>/dev/null || echo 2)
# Networks of half the default width, half as many trials and a quarter of the steps: minutes on two processors.
DEMO := trials=4 max_steps=3000 model.hidden=128
SECONDS ?= 590
BENCHES := build/benchmarks/$(shell date +%Y-%m-%d_%H-%M-%S)

.DEFAULT_GOAL := help
.PHONY: help demo test docs gallery coverage lint fuzz bench bench-accuracy samples pretrained

help: ## List the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: $(VENV)/.core ## Set up, then train, evaluate, traverse, report and transfer, on synthetic samples
	$(BIN)/rankaae train +family=Fe_oxides $(DEMO)
	$(BIN)/rankaae evaluate
	$(BIN)/rankaae traverse
	$(BIN)/rankaae report
	$(BIN)/rankaae ingest +family=Fe_oxides source=synthetic synthetic.code=B synthetic.spectra=3000 \
	  synthetic.few=60 output=data/Fe_oxides_B.h5 overwrite=true
	$(BIN)/rankaae train start=latest data=data/Fe_oxides_B.h5
	$(BIN)/rankaae evaluate
	$(BIN)/rankaae report

test: $(VENV)/.dev ## Set up, then run the tests
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

docs: $(VENV)/.docs ## Set up, then build the documentation: build/docs/index.html opens from disk
	NO_MKDOCS_2_WARNING=true $(BIN)/python -m mkdocs build --quiet --strict
	@echo build/docs/index.html

gallery: $(VENV)/.core ## Make the pictures of the documentation's gallery again, on synthetic samples; needs Chromium
	PATH="$(CURDIR)/$(BIN):$$PATH" scripts/docs/gallery.sh

coverage: $(VENV)/.dev ## Set up, then run the tests and list the lines and branches that none of them reaches
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --cov --cov-report=term --cov-report=html:build/coverage

lint: $(VENV)/.dev ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

fuzz: $(VENV)/.dev ## Read up to ten thousand mutated files of each kind, for ten minutes at most; SECONDS=3600 for more
	$(BIN)/python -m tests.benchmarks.fuzz --seconds $(SECONDS)

bench: $(VENV)/.dev ## Measure speed, ratios within one run; kill every stage and hold its end against one left alone
	$(BIN)/python -m tests.benchmarks.rank_loss
	$(BIN)/python -m tests.benchmarks.training
	$(BIN)/python -m tests.benchmarks.growth --output $(BENCHES)/growth
	$(BIN)/python -m tests.benchmarks.kills
	$(BIN)/python -m tests.benchmarks.kills --signal TERM --kills 5
	$(BIN)/python -m tests.benchmarks.live

bench-accuracy: $(VENV)/.dev ## Measure accuracy on $RANKAAE_BENCH_DATA, else on a synthetic sample; takes hours
	$(BIN)/python -m tests.benchmarks.accuracy --output $(BENCHES)/accuracy
	$(BIN)/python -m tests.benchmarks.ablations --output $(BENCHES)/ablations
	$(BIN)/python -m tests.benchmarks.labelled_fraction --output $(BENCHES)/labelled_fraction
	$(BIN)/python -m tests.benchmarks.placebo --output $(BENCHES)/placebo

samples: $(VENV)/.core ## Make data_samples/*.h5 again, byte for byte
	$(BIN)/python -m rankaae_cli.data.family.samples

pretrained: $(VENV)/.dev ## Train the copper model that ships, on OmniXAS data: FEFF=the.tar.xz VASP='[a.npz,b.npz]'
	PATH="$(CURDIR)/$(BIN):$$PATH" scripts/pretrained.sh '$(FEFF)' '$(VASP)'

# The constraints file pins the tested versions; the stamps make the set-up happen once.
$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.core: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[structures]'
	@touch $@

$(VENV)/.dev: $(VENV)/.core
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[structures,features,joblib,slurm,ray,search,tensorboard,mlflow,docs,dev]'
	@touch $@ $(VENV)/.docs

$(VENV)/.docs: $(VENV)/.core
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	@touch $@
