.PHONY: install lint test coverage bench

install:
	python -m pip install -e ".[test,lint,notebooks]"

lint:
	ruff check .
	ruff format --check .
	mypy

test:
	python -m pytest -n auto

# Of all processes: those that play, that judge, and that keep databases, too.
coverage:
	python -m coverage erase
	python -m coverage run -m pytest -n auto
	python -m coverage combine --quiet
	python -m coverage report

bench:
	python -m benchmarks
