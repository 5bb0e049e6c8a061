# Every target sets up .venv by itself, once; PYTHON chooses the interpreter it is made from.
PYTHON ?= python3
BIN := .venv/bin
SEQUELA := $(BIN)/sequela
RUNTIME := .venv/.runtime
DEVELOPMENT := .venv/.development
WORKERS ?= 2

# One thread a process: idle OpenMP threads that spin cost more than they bring on recurrent nets.
export OMP_NUM_THREADS ?= 1
export OMP_WAIT_POLICY ?= PASSIVE

.PHONY: demo test test-slow lint types docs bench clean

demo: $(RUNTIME)
	rm -rf demo
	$(SEQUELA) simulate ward demo/ward --subjects 3000 --seed 0
	$(SEQUELA) import physionet2012 demo/ward demo/ward.store
	$(SEQUELA) run studies/demo.toml --data demo/ward.store --out demo/run
	$(SEQUELA) predict demo/run/model.sequela demo/ward.store --subject 100042 --explain
	@cat studies/demo.txt

test: $(DEVELOPMENT)
	$(BIN)/python -m pytest -m "not slow" -n $(WORKERS)

test-slow: $(DEVELOPMENT)
	$(BIN)/python -m pytest -m slow -n $(WORKERS)

lint: $(DEVELOPMENT)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(DEVELOPMENT)
	$(BIN)/mypy

docs: $(DEVELOPMENT)
	$(BIN)/python bench/results.py
	$(BIN)/python tools/study_page.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

bench: $(DEVELOPMENT)
	for script in $(filter-out bench/harness.py bench/results.py,$(wildcard bench/*.py)); do $(BIN)/python $$script || exit 1; done
	$(BIN)/python bench/results.py

clean:
	rm -rf .venv demo site build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find src tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUNTIME): requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@

$(DEVELOPMENT): requirements-dev.lock $(RUNTIME)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.lock
	touch $@
