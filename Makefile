# `make demo` and `make test` each work alone on a fresh machine: they make .venv, install into it and run.
#
#   PYTHON=python3.12                which Python to use (3.11, 3.12 or 3.13)
#   PYTEST_ARGS="-k camera"          what to hand to pytest
#   INSTALL="uv pip install --python .venv/bin/python --torch-backend cpu"      install with uv instead of pip

.DEFAULT_GOAL := help
.PHONY: help demo test lint format wheel addon clean

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
	@echo "make test    run the tests"
	@echo "make lint    check style, types and the direction of imports"
	@echo "make format  put the code into the project's style"
	@echo "make wheel   build dist/opentake-*.whl"
	@echo "make addon   build dist/mocap_blender-*.zip, the Blender add-on"
	@echo "make clean   remove .venv and everything that was built"

demo: $(VENV)/.package
	@mkdir -p demo
	$(BIN)/mocap process examples/walk.mp4 -o demo/walk.bvh --preview demo/walk_preview.mp4
	@echo
	@echo "demo/walk.bvh          the motion. Blender: File > Import > Motion Capture (.bvh), tick"
	@echo "                       'Update Scene FPS' and 'Update Scene Duration', then press play"
	@echo "demo/walk.json         the same take with keypoints, contacts, gaps and where it came from"
	@echo "demo/walk_preview.mp4  the skeleton drawn over the video"

test: $(VENV)/.dev
	@missing="$$(.ci/system_libraries)"; test -z "$$missing" \
		|| echo "The Blender tests need system libraries; on Debian: apt-get install $$missing"
	$(BIN)/python -m pytest $(PYTEST_ARGS)

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

clean:
	rm -rf $(VENV) .venv-bpy-* build dist demo .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache htmlcov .coverage

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
