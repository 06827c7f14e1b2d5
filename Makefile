# make lab       set up, then run every lesson headlessly on real data
# make test      set up, then run all tests
# make notebook  set up, then open JupyterLab on the lessons' index
# make help      the rest

BIN := .venv/bin
# The first Python that the lock file covers; name another with PYTHON=python3.12
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	&& { echo $$p; exit; }; done; echo python3)
PORT ?= 8888
CONSTRAINTS := pyproject.toml --extra cpu --extra serve --extra balance --extra privacy --extra monitor --extra test --universal --python-version 3.11

.PHONY: help setup lab test test-fast notebook benchmark measure contents backends lint lock clean

help:
	@echo "make lab        set up, then run every lesson headlessly on real data"
	@echo "make test       set up, then run all tests (make test-fast: those of seconds)"
	@echo "make notebook   set up, then open JupyterLab on the lessons' index (PORT=$(PORT); LANG=zh: in Chinese)"
	@echo "make benchmark  side-by-side ratios: sweeps, training, explorers, start-up"
	@echo "make backends   add JAX and PyTorch to the environment (CPU)"
	@echo "make measure    refresh notebooks/measured.csv from the latest runs"
	@echo "make contents   write links, minutes and meanings of words into lessons and index"
	@echo "make lint       ruff over package, tests and notebooks, oxlint over the JavaScript"
	@echo "make lock       resolve requirements.lock again (needs uv)"
	@echo "make clean      remove the environment; runs/ stays"

setup:
	@$(PYTHON) scripts/setup_lab.py

lab: setup
	@$(BIN)/labkit run --all
	@echo "Now open the lessons: make notebook"

test: setup
	@$(BIN)/python -m pytest -m "not alone" -n 2 --dist loadfile --no-loadscope-reorder --durations=15
	@$(BIN)/python -m pytest -m alone tests --durations=15

test-fast: setup
	@$(BIN)/python -m pytest

notebook: setup
	@$(BIN)/labkit open --port $(PORT) $(if $(filter zh,$(LANG)),--lang zh)

benchmark: setup
	@for part in start sweep engines results training balancing serving explorer_latency hero_latency predict_latency backprop_frames; do \
		$(BIN)/python benchmarks/$$part.py || exit 1; done

measure: setup
	@$(BIN)/labkit measure

contents: setup
	@$(BIN)/python -m labkit.lab.pages.contents

backends: setup
	@$(BIN)/python -m pip install --quiet --no-build-isolation -e ".[jax,torch]"

lint: setup
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/oxlint labkit/explore/js labkit/lab

lock:
	@uv pip compile $(CONSTRAINTS) --generate-hashes --no-header --no-annotate -o requirements.lock

clean:
	rm -rf .venv
