.PHONY: install lint test bench

install:
	python -m pip install -e ".[test,lint,notebooks]"

lint:
	ruff check .
	ruff format --check .
	mypy

test:
	python -m pytest

bench:
	python -m benchmarks
