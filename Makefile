# Set-up and the common commands. Everything goes into .venv; nothing outside the clone is changed.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
TORCH_VERSION ?= 2.13.0
# The index of PyTorch's builds without CUDA (a tenth of the size); pytorch.org, "Get started", compute platform CPU, names it.
TORCH_CPU_INDEX ?=

.PHONY: help install demo test slow docs pages lint clean

help:
	@echo "make demo   train and compare on generated walkers (about 10 minutes on two cores)"
	@echo "make test   the default tests (about 4 minutes on two cores)"
	@echo "make slow   the tests that start processes, kill and resume trainings, build every backbone"
	@echo "make docs   the documentation, into site/"
	@echo "make pages  write the generated parts of the documentation again"
	@echo "make lint   ruff and the layers of the package"

install: $(VENV)/ready

# Without a GPU: the CPU build that pip finds by itself, else that of TORCH_CPU_INDEX if it is set, else whatever pip chooses.
$(VENV)/ready: setup.py pyproject.toml
	$(PYTHON) -m venv $(VENV)
	@if command -v nvidia-smi >/dev/null 2>&1; then echo "NVIDIA GPU: PyTorch with CUDA"; else \
	  echo "no NVIDIA GPU: looking for PyTorch without CUDA"; \
	  $(BIN)/pip install --quiet "torch==$(TORCH_VERSION)+cpu" 2>/dev/null \
	  || { [ -n "$(TORCH_CPU_INDEX)" ] && $(BIN)/pip install --quiet "torch>=2.6,<2.14" --index-url "$(TORCH_CPU_INDEX)"; } \
	  || echo "pip finds no CPU build by itself and chooses one (on Linux several GB); TORCH_CPU_INDEX=ADDRESS names PyTorch's CPU index"; fi
	$(BIN)/pip install --quiet --editable '.[report,tensorboard,test]'
	@touch $@

$(VENV)/ready-docs: $(VENV)/ready
	$(BIN)/pip install --quiet --editable '.[docs,lint]'
	@touch $@

demo: $(VENV)/ready
	$(BIN)/opengait-mimic demo

test: $(VENV)/ready
	$(BIN)/pytest -n 2 --dist loadfile -m "not slow"

slow: $(VENV)/ready
	$(BIN)/pytest -n 2 --dist loadfile -m slow

docs: $(VENV)/ready-docs
	$(BIN)/python docs/generate_configuration.py --check
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

pages: $(VENV)/ready
	$(BIN)/python docs/generate_configuration.py

lint: $(VENV)/ready-docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

clean:
	rm -rf $(VENV) site
