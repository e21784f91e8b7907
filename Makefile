# `make demo`, `make check`, `make test` and `make docs` each work alone on a fresh machine: they make .venv, install into it and run.
#
#   PYTHON=python3.12                which Python to use (3.11, 3.12 or 3.13)
#   PYTEST_ARGS="-k camera"          what to hand to pytest
#   JOBS=1                           how many tests to run at once (default: one a core)
#   INSTALL="uv pip install --python .venv/bin/python --torch-backend cpu"      install with uv instead of pip

.DEFAULT_GOAL := help
.PHONY: help demo check test lint format wheel addon docs clean

# The first one that starts, is recent enough and can make environments (a pyenv shim may exist and not start).
USABLE := import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for name in python3.11 python3.12 python3.13 python3; do \
	"$$name" -c "$(USABLE)" >/dev/null 2>&1 && { echo "$$name"; break; }; done)

VENV := .venv
BIN := $(VENV)/bin
INSTALL ?= $(BIN)/python -m pip install --quiet --disable-pip-version-check
PINNED := --constraint constraints/cpu.txt

help:
	@echo "make demo    turn examples/walk.mp4 into demo/walk.bvh, with a preview video"
	@echo "make check   style, types, the direction of imports, and the quick tests: before every commit"
	@echo "make test    run all tests, as many at once as there are cores"
	@echo "make lint    check style, types and the direction of imports"
	@echo "make format  put the code into the project's style"
	@echo "make wheel   build dist/opentake-*.whl"
	@echo "make addon   build dist/mocap_blender-*.zip, the Blender add-on"
	@echo "make docs    build the documentation as a site in site/"
	@echo "make clean   remove .venv and everything that was built"

demo: $(VENV)/.package
	@mkdir -p demo
	$(BIN)/mocap process examples/walk.mp4 -o demo/walk.bvh --preview demo/walk_preview.mp4
	@echo
	@echo "demo/walk.bvh          the motion. Blender: File > Import > Motion Capture (.bvh), tick"
	@echo "                       'Update Scene FPS' and 'Update Scene Duration', then press play"
	@echo "demo/walk.json         the same take with keypoints, contacts, gaps and where it came from"
	@echo "demo/walk_preview.mp4  the skeleton drawn over the video"

# A file's tests stay together, for they share what is costly to make.
JOBS ?= auto
PYTEST = $(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadfile
QUICK := not slow and not real and not blender

# mypy keeps one core busy for long when it has no cache, so the tests run beside it.
check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@$(MAKE) --no-print-directory --jobs 3 --output-sync=target quick types imports

.PHONY: quick types imports
quick: $(VENV)/.dev
	$(PYTEST) -m "$(QUICK)" $(PYTEST_ARGS)

types: $(VENV)/.dev
	$(BIN)/mypy

imports: $(VENV)/.dev
	$(BIN)/lint-imports

test: $(VENV)/.dev
	@missing="$$(.ci/system_libraries)"; test -z "$$missing" \
		|| echo "The Blender tests need system libraries; on Debian: apt-get install $$missing"
	$(PYTEST) $(PYTEST_ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

wheel: $(VENV)/.dev
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

# Blender's own builder and validator of extensions, which the bpy module carries
EXTENSION = $(BIN)/python $$(find $(VENV)/lib -path '*bl_pkg/cli/blender_ext.py')

addon: $(VENV)/.dev
	@mkdir -p dist
	$(EXTENSION) build --source-dir blender_addon/mocap_blender --output-dir dist
	$(EXTENSION) validate dist/mocap_blender-*.zip

docs: $(VENV)/.docs
	$(BIN)/mkdocs build --strict --quiet
	@echo "site/index.html"

clean:
	rm -rf $(VENV) .venv-bpy-* build dist demo site .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache htmlcov .coverage

$(VENV)/.environment:
	@test -n "$(PYTHON)" || { echo "No usable Python 3.11, 3.12 or 3.13 found. On Debian:" \
		"apt-get install python3 python3-venv; or name one: make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Making $(VENV) with $(PYTHON)"
	@"$(PYTHON)" -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "pip>=25.1"  # the first that knows --group
	@touch $@

$(VENV)/.package: pyproject.toml constraints/cpu.txt | $(VENV)/.environment
	@echo "Installing opentake and what it needs into $(VENV) (a minute or two, about 0.8 GB)"
	@$(INSTALL) $(PINNED) --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml constraints/cpu.txt | $(VENV)/.environment
	@echo "Installing opentake, Blender as a module and the test tools into $(VENV) (a few minutes, up to 3 GB)"
	@$(INSTALL) $(PINNED) --editable . --group dev
	@touch $@ $(VENV)/.package

$(VENV)/.docs: pyproject.toml constraints/cpu.txt | $(VENV)/.environment
	@$(INSTALL) $(PINNED) --group docs
	@touch $@
