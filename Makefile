# Each target sets up .venv by itself. `make run` and `make test` are all one needs.
PORT ?= 8501
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test lint bench browser

run: .venv/run.stamp
	@echo "Medcore: http://127.0.0.1:$(PORT)   (Ctrl-C ends it)"
	@exec $(BIN)/streamlit run app.py --server.port $(PORT)

test: .venv/dev.stamp browser lint
	OMP_WAIT_POLICY=passive $(BIN)/python -m pytest -n 2 --dist loadfile

lint: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: .venv/dev.stamp
	$(BIN)/python benchmarks/run.py

browser: .venv/dev.stamp
	sh tests/install_browser.sh

.venv/run.stamp: requirements.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -r requirements.txt
	touch $@

.venv/dev.stamp: .venv/run.stamp requirements-dev.txt
	$(BIN)/python -m pip install --quiet -r requirements-dev.txt
	touch $@
