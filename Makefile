# Each target makes the virtual environment when it is missing and installs again when pyproject.toml has changed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TYPED := .typecheck

.PHONY: demo test check bench docs clean

demo: $(VENV)/.run
	$(BIN)/tts demo

test: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	rm -rf $(TYPED) build
	$(BIN)/python -m pip install --quiet --no-deps --target $(TYPED) .
	cd $(TYPED) && ../$(BIN)/mypy --config-file ../pyproject.toml -p tts

bench: $(VENV)/.dev
	for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

docs: $(VENV)/.docs
	rm -rf $(TYPED) build
	$(BIN)/python -m pip install --quiet --no-deps --target $(TYPED) .
	$(BIN)/zensical build --clean --strict

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@ $(VENV)/.run

$(VENV)/.docs: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[docs]'
	touch $@ $(VENV)/.run

clean:
	rm -rf $(VENV) $(TYPED) build site *.egg-info
