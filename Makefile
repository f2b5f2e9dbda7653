# Two commands matter: `make run` and `make test`. Everything else is what they are made of.
PYTHON ?= python3
VENV := .venv
EXT := ext-chrome
EXT_INSTALLED := $(EXT)/node_modules/.installed
# The identity provider that the tests sign people in with.
PROVIDER := tests/support/oidc_provider
PROVIDER_INSTALLED := $(PROVIDER)/node_modules/.installed
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help run test check format install ext packages lock clean

help: ## Say what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/'

run: $(INSTALLED) ## Start everything with a small demonstration; Ctrl-C stops it
	@$(BIN)/ecomind up --demo

# Three, also on two cores: a sixth of a test's time is waiting for what it started.
test: $(INSTALLED) packages ## Run every test; says what it skipped and why
	@$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder

check: $(INSTALLED) packages ## Format, lint, types, SQL, drift, definitions, links
	@$(BIN)/python -m tests.check

format: $(INSTALLED) ## Rewrite Python files in the project's format
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

install: $(INSTALLED) ## Make the environment from the lock

# A registry may fail for a moment: three tries. Bytecode makes every later start twice as fast; made
# on all cores, and not of the packages' own tests, it takes half as long as by pip. A file meant for
# another Python may fail.
$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "EcoMind needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
		{ echo "Python's venv module is missing; on Debian: apt install python3-venv"; exit 1; }
	@echo "Installing into $(VENV) (a few minutes the first time)"
	@for try in 1 2 3; do \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile \
			--no-deps --require-hashes -r requirements.lock && break; \
		test $$try = 3 && exit 1; echo "Trying again"; sleep 5; \
	done
	-@$(BIN)/python -m compileall -q -j 0 -x '/tests?/' $(VENV)/lib
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

ext: $(EXT_INSTALLED) ## Build the Chrome extension, unpacked and as a zip
	@npm --prefix $(EXT) run --silent build

# Tests and checks do without the extension where there is no Node, and say so.
packages:
	@if command -v npm >/dev/null; then \
		$(MAKE) --no-print-directory $(EXT_INSTALLED) $(PROVIDER_INSTALLED); \
		else echo "Node.js with npm is not installed: the extension in $(EXT) and sign-ins with an" \
		"identity provider are left out"; fi

%/node_modules/.installed: %/package-lock.json %/package.json
	@command -v npm >/dev/null || { echo "This needs Node.js 20.19 or newer with npm"; exit 1; }
	@echo "Installing the packages of $*"
	@for try in 1 2 3; do \
		(cd $* && npm ci --ignore-scripts --silent) && break; \
		test $$try = 3 && exit 1; echo "Trying again"; sleep 5; \
	done
	@touch $@

lock: ## Resolve the dependencies anew (needs uv)
	uv pip compile pyproject.toml --extra dev --universal --generate-hashes --no-header \
		--no-annotate --no-strip-extras --quiet -o requirements.lock

clean: ## Remove the environment and caches, never the data
	rm -rf $(VENV) $(EXT)/node_modules $(PROVIDER)/node_modules $(EXT)/dist $(EXT)/dist-e2e .mypy_cache .ruff_cache .pytest_cache *.egg-info
