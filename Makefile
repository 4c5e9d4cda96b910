# Applied Keras. `make help` tells the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# One install at a time, pinned by the lock file; byte code compiled, since an import of
# TensorFlow without it takes four times as long.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --compile -c requirements.lock

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint notebooks bench rivals results lock clean

help: ## tell the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

setup: $(VENV)/.run ## make .venv and install requirements.txt

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed. Name one: make PYTHON=python3.12 ..." >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.run: $(VENV)/.python requirements.txt requirements.lock
	$(PIP) -r requirements.txt
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements-dev.txt requirements-ray.txt
	$(PIP) -r requirements-dev.txt
	@touch $@

# Not pinned by the lock file: PyTorch comes in many builds.
$(VENV)/.bench: $(VENV)/.dev requirements-bench.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-bench.txt
	@touch $@

demo: setup ## train, evaluate and report on flight delays
	$(BIN)/python projects/flight_delays/run.py

test: $(VENV)/.dev ## run all tests
	OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 TF_NUM_INTRAOP_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadgroup

lint: $(VENV)/.dev ## check style, and that generated parts are up to date
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m notebooks.build --check
	$(BIN)/python -m benchmarks.results --check

notebooks: $(VENV)/.dev ## write the .ipynb files anew from their text, with outputs
	$(BIN)/python -m notebooks.build

bench: $(VENV)/.dev ## measure: speed, size, the from-scratch part, the clinic, unseen tables
	$(BIN)/python -m benchmarks.throughput
	$(BIN)/python -m benchmarks.overhead
	$(BIN)/python -m benchmarks.image_speed
	$(BIN)/python -m benchmarks.big_table
	$(BIN)/python -m benchmarks.from_scratch
	$(BIN)/python -m benchmarks.from_scratch.used
	$(BIN)/python -m benchmarks.from_scratch.minilm
	$(BIN)/python -m benchmarks.clinic
	$(BIN)/python -m benchmarks.own_tables

rivals: $(VENV)/.bench ## compare with LightGBM, XGBoost, CatBoost, and the authors' TabM
	$(BIN)/python -m benchmarks.reference_tabm
	$(BIN)/python -m benchmarks.reference_rtdl
	$(BIN)/python -m benchmarks.tabm_speed
	for project in census_income crash_injuries diamond_prices flight_delays house_prices; do \
		$(BIN)/python -m benchmarks.rivals $$project; done
	$(BIN)/python -m benchmarks.rolling_months --seeds 3

results: $(VENV)/.dev ## train every project with five seeds, write the tables of the READMEs
	$(BIN)/python -m benchmarks.results

lock: $(VENV)/.dev ## write requirements.lock anew
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-emit-index-url \
		--no-emit-find-links --upgrade requirements-dev.txt -o requirements.lock

clean: ## remove .venv and caches; runs/ and the data cache stay
	rm -rf $(VENV) .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
