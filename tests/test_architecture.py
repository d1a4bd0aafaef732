"""The direction of imports holds, and each contract about it can fail."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
CONTRACTS = {contract["id"]: contract["name"] for contract in SETTINGS["contracts"]}

FORBIDDEN = [
    ("layers", "domain/kernel/values.py", "projections"),
    ("layers", "projections/views/roadmap.py", "infra"),
    ("layers", "infra/embedded/embedded_postgres.py", "api"),
    ("chapters", "domain/chapters/plenaries.py", "domain.chapters.diagnosis"),
    ("pure", "domain/kernel/values.py", "django"),
    ("pure", "domain/chapters/funding.py", "psycopg"),
    ("domain", "domain/kernel/values.py", "domain.rules.money"),
    ("domain", "domain/rules/money.py", "domain.chapters.funding"),
    ("projections", "projections/engine/view.py", "projections.views.overview"),
    ("infra", "infra/database/lease.py", "infra.relay.relay"),
    ("api", "api/http/endpoint.py", "api.resources.funding"),
    ("views", "projections/views/roadmap.py", "projections.views.overview"),
    ("tables", "projections/tables/ledger.py", "projections.tables.register"),
]


@pytest.fixture
def copy(tmp_path):
    """A copy of the packages that may be spoilt."""
    for package in SETTINGS["root_packages"]:
        shutil.copytree(
            ROOT / package,
            tmp_path / package,
            ignore=shutil.ignore_patterns("__pycache__", "target"),
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint_imports(folder, *arguments):
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [program, "--no-cache", *arguments],
        cwd=folder,
        capture_output=True,
        check=False,
        text=True,
        env={"COLUMNS": "200", "PYTHONPATH": str(folder)},
    )


def test_every_contract_holds(copy):
    run = lint_imports(copy)
    assert run.returncode == 0, run.stdout + run.stderr
    assert f"{len(CONTRACTS)} kept, 0 broken" in run.stdout


@pytest.mark.parametrize(("contract", "file", "imported"), FORBIDDEN)
def test_a_forbidden_import_breaks_its_contract(copy, contract, file, imported):
    for module in (file, f"{imported.replace('.', '/')}.py"):
        if module.startswith("projections/"):
            (copy / module).touch()
    with (copy / file).open("a", encoding="utf-8") as module:
        module.write(f"\nimport {imported}\n")
    run = lint_imports(copy, "--contract", contract)
    assert run.returncode == 1, run.stdout + run.stderr
    assert f"{CONTRACTS[contract]} BROKEN" in run.stdout
    assert file.removesuffix(".py").replace("/", ".") in run.stdout


def test_each_contract_is_seen_to_fail():
    assert {contract for contract, _, _ in FORBIDDEN} == set(CONTRACTS)
