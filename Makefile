# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Small models gain nothing from many threads, and several test processes share the cores.
export OMP_NUM_THREADS ?= 1
export TOKENIZERS_PARALLELISM ?= false
# Another environment that is active in the shell is not the one that is tested here.
unexport VIRTUAL_ENV PYTHONPATH

.PHONY: demo test lint unit training builder server notebooks colab packaging bench reference clean

$(STAMP): pyproject.toml ft_runtime/pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=24"
	# torch first and alone: a range would bring the newest CUDA build, several GB.
	$(BIN)/python -m pip install --quiet -c constraints.txt torch
	$(BIN)/python -m pip install --quiet -c constraints.txt -e "./ft_runtime[train,qlora]" -e ".[train,dev]"
	touch $(STAMP)

demo: $(STAMP)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/jupyter ft demo $(if $(DATA),--data "$(DATA)") --out demo

test: lint unit training builder server notebooks packaging colab

lint: $(STAMP)
	$(BIN)/ruff check --output-format concise .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

unit: $(STAMP)
	$(BIN)/python -m pytest tests/unit -n auto

training: $(STAMP)
	$(BIN)/python -m pytest tests/training -n auto

builder: $(STAMP)
	$(BIN)/python -m pytest tests/builder tests/cli tests/magic -n auto

server: $(STAMP)
	$(BIN)/python -m pytest tests/server -n auto

notebooks: $(STAMP)
	$(BIN)/python -m pytest tests/notebooks -n auto

packaging: $(STAMP)
	$(BIN)/python -m pytest tests/packaging

colab: $(STAMP)
	$(BIN)/python -m pytest tests/colab

reference: $(STAMP)
	$(BIN)/python docs/make_reference.py

clean:
	rm -rf $(VENV) .cache demo outputs
