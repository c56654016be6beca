# Everything a developer or a first visitor needs. `make` alone lists it.
#
# The only prerequisites are make and Python 3.11 or later with venv; everything else goes into .venv, from
# locked and hashed versions. Node.js with npm is optional: with it, `make install` also fetches the real SDKs that
# tests/compat runs, and the build of analytics.js that the router serves to browsers.

PYTHON ?= $(shell command -v python3 || command -v python)
VENV := .venv
BIN := $(VENV)/bin
PEERS := tests/compat/node
ANALYTICS_JS := $(VENV)/share/pointsman/analytics-js
ARGS ?=
KILLS ?=
SEEDS ?= 1000
SEED ?=
SPEC ?= ../shared/spec

.DEFAULT_GOAL := help
.PHONY: help install run test test-fast check format bench drill rules lock analytics-js peers clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | while IFS="$$(printf '\t')" read -r name text; do \
		printf '  make %-14s %s\n' "$$name" "$$text"; done

install: $(VENV)/.installed $(VENV)/.peers ## make .venv with the command .venv/bin/router and all that tests need

run: install ## install what is needed and start a router with router.toml
	@exec $(BIN)/router run $(ARGS)

test: install ## run every test; those whose outside program is missing are skipped with the reason
	$(BIN)/python -m pytest tests $(ARGS)

test-fast: install ## run the tests that need no outside program and less than a second each
	$(BIN)/python -m pytest tests -m "not slow and not peer" -n 2 -q $(ARGS)

check: install ## check format, lint, types and house rules, then run every test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/house -q
	$(BIN)/python -m pytest tests --ignore tests/house $(ARGS)

format: install ## put the code in the form that `make check` asks for
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: install ## measure; writes bench.json and a table
	$(BIN)/python -m tests.bench $(ARGS)

drill: install ## play SEEDS=1000 simulated worlds, or one with its trace (SEED=4711), or kill a real router (KILLS=100)
	@if [ -n "$(KILLS)" ]; then $(BIN)/python -m tests.crash.drill --kills $(KILLS) $(ARGS); \
	elif [ -n "$(SEED)" ]; then $(BIN)/python -m tests.simulation --seed $(SEED) $(ARGS); \
	else $(BIN)/python -m tests.simulation --seeds $(SEEDS) $(ARGS); fi

rules: install ## show which numbered rules of the specification have a test that passed in the last run
	@$(BIN)/python -m tests.rules $(SPEC)

lock: install ## write requirements.lock and requirements-dev.lock anew, with the newest allowed versions
	$(BIN)/uv pip compile $(LOCKED) pyproject.toml --output-file requirements.lock
	$(BIN)/uv pip compile $(LOCKED) --extra dev pyproject.toml --output-file requirements-dev.lock
	cd $(PEERS) && npm update --package-lock-only

analytics-js: ## fetch the analytics.js that the router serves at /analytics.js/v1/KEY/analytics.min.js (needs npm)
	@test -f $(ANALYTICS_JS)/standalone.js || rm -f $(VENV)/.peers
	@$(MAKE) --no-print-directory $(VENV)/.peers
	@test -f $(ANALYTICS_JS)/standalone.js

clean: ## remove what `make install` made
	rm -rf $(VENV) $(PEERS)/node_modules *.egg-info build

# The lock holds versions and hashes for every platform, and no host and no path.
LOCKED := --quiet --upgrade --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate \
	--no-header --python-version 3.11

$(VENV)/.installed: requirements-dev.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python is not installed; Pointsman needs Python 3.11 or later." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$(PYTHON) is $$($(PYTHON) --version 2>&1); Pointsman needs Python 3.11 or later." >&2; \
		echo "Name another one: make PYTHON=/path/to/python3.11 install" >&2; exit 1; }
	@echo "Installing into $(VENV) (once; takes a minute) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "Python's venv module is incomplete; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# Never fails: without npm, or without a registry, the router runs and says that it serves no analytics.js.
$(VENV)/.peers: $(VENV)/.installed $(PEERS)/package-lock.json
	@if ! command -v npm >/dev/null; then \
		echo "npm is not installed: the router will not serve analytics.js, and tests with the JavaScript SDKs are skipped."; \
	elif (cd $(PEERS) && npm ci --silent --ignore-scripts --fetch-retries=1 --fetch-timeout=60000 </dev/null); then \
		rm -rf $(ANALYTICS_JS) && mkdir -p $(ANALYTICS_JS) && \
		cp $(PEERS)/node_modules/@segment/analytics-next/dist/umd/*.js $(ANALYTICS_JS)/; \
	else \
		echo "npm could not fetch the JavaScript SDKs: the router will not serve analytics.js; later: make analytics-js"; \
	fi
	@touch $@
