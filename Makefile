# The two commands: `make demo` and `make test`. Both do their own set-up.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
ARGS   ?=

# Without bytecode an `import tensorflow` takes four times as long, in every process, every time.
unexport PYTHONDONTWRITEBYTECODE
export TF_CPP_MIN_LOG_LEVEL ?= 2
# uv does not read pip's settings: hand a mirror configured for pip on.
export UV_DEFAULT_INDEX ?= $(PIP_INDEX_URL)

.PHONY: help setup spark demo test check bench protos deployment requirements clean

help:            ## List the targets.
	@grep -hE '^[a-z]+: .*##|^[a-z]+:  +##' $(MAKEFILE_LIST) | sed -E 's/:.*##/ -/'

setup: $(VENV)/.complete  ## Make .venv with everything pinned by hash, and the command `vitrine` in it.

$(VENV)/.complete: requirements.txt requirements-bootstrap.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else f"Vitrine needs Python 3.11 to 3.13; {sys.executable} is {v[0]}.{v[1]}. Say which with: make PYTHON=python3.12")'
	@echo "Setting up $(VENV) (once; a minute or so)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-bootstrap.txt
	@if [ -z "$$UV_DEFAULT_INDEX" ]; then unset UV_DEFAULT_INDEX; fi; \
	  $(BIN)/uv pip install -q --python $(BIN)/python --compile-bytecode --require-hashes -r requirements.txt \
	  || $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

spark: setup     ## Add Spark, for data beyond one machine (needs Java 17 or newer).
	@if [ -z "$$UV_DEFAULT_INDEX" ]; then unset UV_DEFAULT_INDEX; fi; \
	  $(BIN)/uv pip install -q --python $(BIN)/python --require-hashes --no-deps -r requirements-spark.txt \
	  || $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes --no-deps -r requirements-spark.txt
	@command -v java > /dev/null || [ -x "$$JAVA_HOME/bin/java" ] || echo "Spark is installed; it needs Java 17 or newer as well"

demo: setup      ## Boutique, import, training, release, every process, a page here and a storefront to open.
	@$(BIN)/vitrine demo $(ARGS)

test: setup check  ## Every test.
	@$(BIN)/python -m pytest $(ARGS)

bench: setup     ## Measure speed beside the floor of the same work (slow).
	@if [ ! -e $${VITRINE_WORK:-work}/boutique/events.jsonl.gz ]; then $(BIN)/vitrine demo --once; fi
	@$(BIN)/vitrine bench $(ARGS)

check: setup     ## Lint, types, contracts, stubs up to date, import rules.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/buf lint
	$(BIN)/buf format --diff --exit-code > /dev/null
	$(BIN)/buf breaking --against protos/released.binpb
	$(BIN)/python protos/generate.py --check
	$(BIN)/hadolint deploy/Dockerfile
	$(BIN)/python -m lab.deployment --check

protos: setup    ## Regenerate the stubs from the contracts.
	$(BIN)/buf format -w
	$(BIN)/python protos/generate.py

deployment: setup  ## Remake deploy/'s compose file, Prometheus configuration and requirements.
	$(BIN)/python -m lab.deployment

requirements: setup  ## Resolve pyproject.toml anew into hash-pinned requirements (no registry addresses).
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --extra development pyproject.toml -o requirements.txt
	echo 'pyspark>=4,<5' | $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --constraint requirements.txt - -o requirements-spark.txt
	echo uv | $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header - -o requirements-bootstrap.txt
	$(BIN)/python -m lab.deployment

clean:           ## Remove what set-up and the demo made.
	@if [ -x $(BIN)/vitrine ]; then $(BIN)/vitrine clean --yes; fi
	rm -rf $(VENV) work .cache
