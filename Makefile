# Each target makes the virtual environment when it is missing and installs again when pyproject.toml has changed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TYPED := .typecheck
LINKED := tts/[!_]* tts/_[!_]* tts/__init__.py ablations puzzles strategies verifiers

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
	cd $(TYPED) && ../$(BIN)/lint-imports --no-logo --no-cache ../pyproject.toml

bench: $(VENV)/.dev
	for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

docs: $(VENV)/.docs
	rm -rf $(TYPED) build
	$(BIN)/python -m pip install --quiet --no-deps --target $(TYPED) .
	$(BIN)/zensical build --clean --strict

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

# Editors and type checkers cannot follow an editable install of several folders, which is done by code: links show
# them, and Python, one package. They are outside site-packages, where `pip install .` would write through them.
$(VENV)/.links: tts | $(VENV)/bin/python
	rm -rf $(VENV)/links
	mkdir -p $(VENV)/links/tts
	for entry in $(LINKED); do ln -s "$(CURDIR)/$$entry" $(VENV)/links/tts; done
	(cd $(VENV)/links && pwd) > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/tts.pth"
	touch $@

$(VENV)/.run: pyproject.toml | $(VENV)/.links
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/.links
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@ $(VENV)/.run

$(VENV)/.docs: pyproject.toml | $(VENV)/.links
	$(BIN)/python -m pip install --quiet --editable '.[docs]'
	touch $@ $(VENV)/.run

clean:
	rm -rf $(VENV) $(TYPED) build site *.egg-info
