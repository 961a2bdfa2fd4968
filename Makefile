# The commands of the project. Each does its own set-up: a .venv with the locked versions, once.
#   make PYTHON=python3.12 book     another Python
#   make JOBS=4 study STUDY=quick   more training processes at once (on a GPU too: one small network leaves most of it idle)

PYTHON ?= python3
STUDY ?= quick
JOBS ?= $(shell cores=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); echo $$((cores > 8 ? 8 : cores)))
THREADS ?= 1

BIN := .venv/bin
READY := .venv/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check install $(shell [ -t 2 ] || echo --quiet)
WORKFLOW := $(BIN)/python workflow/quietly.py --profile workflow/profiles/local --config threads=$(THREADS) shards=$(JOBS)
SOURCES := pvlib scripts tests book/_ext workflow $(wildcard benchmarks)

# Recipes read it from the environment: a name is never a part of a command.
export STUDY
export PYTHONUNBUFFERED = 1
# One thread for each training process; nothing below wants more, and two pools that spin slow each other down.
export OMP_NUM_THREADS ?= $(THREADS)

.DEFAULT_GOAL := help
.PHONY: help env book test study publish readme lint format check-pages check-digits check lock clean

help:           ## this list
	@echo "make TARGET, where TARGET is one of:"
	@sed -n 's/^\([a-z-]*\): .*## /  \1|/p' $(firstword $(MAKEFILE_LIST)) | awk -F'|' '{printf "%-15s %s\n", $$1, $$2}'

env: $(READY)   ## .venv with the locked versions (every other target does this first)

book: $(READY)  ## train the digits study, execute the chapters, build the pages into _build/html
	@echo "book: digits study, tables, chapters, pages; only what changed is done again" >&2
	@$(BIN)/python workflow/alone.py build/book.lock $(WORKFLOW) live=digits -- book
	@echo "The book is ready: $$PWD/_build/html/index.html"

test: $(READY)  ## all tests
	@echo "test: pytest" >&2
	@$(BIN)/python -m pytest

study: $(READY) ## train STUDY (default quick), JOBS processes side by side; interrupt and repeat as you like
	@echo "study: $$STUDY, $(JOBS) processes of $(THREADS) thread(s); runs in the store or in results/$$STUDY are not trained again" >&2
	@$(WORKFLOW) "live=$$STUDY" reuse=results --forcerun train -- trained

publish: $(READY) ## write the tables of STUDY into results/STUDY
	@echo "publish: results/$$STUDY" >&2
	@$(BIN)/pvlib publish "$$STUDY"

readme: $(READY) ## renew the generated parts of README.md from results/
	@$(BIN)/python scripts/build_readme.py

lint: $(READY)  ## style, format, types and the arrows between the rooms
	@echo "lint: ruff, mypy, import contracts, JavaScript" >&2
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/ruff format --check $(SOURCES)
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python scripts/javascript.py

format: $(READY) ## put the code into the project's format
	@$(BIN)/ruff check --fix $(SOURCES)
	@$(BIN)/ruff format $(SOURCES)

check-pages: book ## nothing asked of other hosts, links hold, figures have alternative text, axe finds nothing
	@$(BIN)/python scripts/check_pages.py _build/html
	@$(BIN)/python scripts/check_accessibility.py _build/html

check-digits: book ## the digits study trained here against the published one
	@$(BIN)/python scripts/check_digits.py --published results/digits --fresh build/results/digits

check: lint test check-pages check-digits ## everything that CI checks

$(READY): requirements/lock.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "This needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1 || echo missing)." >&2; \
	  echo "Install one and name it: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "env: virtual environment in .venv" >&2
	@$(PYTHON) -m venv .venv || { rm -rf .venv; \
	  echo "No virtual environment could be made; on Debian and Ubuntu install the package python3-venv." >&2; exit 1; }
	@echo "env: locked packages (requirements/lock.txt); torch alone may be several GB, see the README" >&2
	@$(PIP) -r requirements/lock.txt
	@echo "env: pvlib itself, editable" >&2
	@$(PIP) --no-build-isolation --no-deps --editable .
	@touch $@

lock:           ## renew requirements/lock.txt from what pyproject.toml allows (torch and torchvision: as pinned in this rule)
	@rm -rf build/lock && $(PYTHON) -m venv build/lock
	@build/lock/bin/python -m pip install --quiet torch==2.13.0 torchvision==0.28.0 setuptools wheel
	@build/lock/bin/python -m pip install --quiet --editable '.[all,test]'
	@{ sed -n '/^#/p' requirements/lock.txt; build/lock/bin/python -m pip freeze --all --exclude-editable \
	  | grep -v '^pip==' | sed 's/+cpu$$//'; } > build/lock.txt && mv build/lock.txt requirements/lock.txt
	@rm -rf build/lock

clean:          ## delete what was built here (.venv and the store of runs stay)
	@rm -rf _build build book/notebooks book/_generated .snakemake
	@echo "deleted: _build, build, book/notebooks, book/_generated, .snakemake" >&2
