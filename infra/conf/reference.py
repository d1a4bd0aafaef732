"""Reference data out of a file that a city can replace: departments, services, themes, delays.

`QUARTIER_REFERENCE_FILE` names it; Geneva's is the default. It is read once a process.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Final

from django.core.exceptions import ImproperlyConfigured
from pydantic import ValidationError

from domain.kernel.reference import Reference

GENEVA: Final = Path(__file__).resolve().parent / "geneva.json"


@cache
def reference() -> Reference:
    """The reference data in force.

    Raises:
        ImproperlyConfigured: the file cannot be read, or is not what it should be; says where.
    """
    return read_reference(Path(os.environ.get("QUARTIER_REFERENCE_FILE") or GENEVA))


def read_reference(file: Path) -> Reference:
    """Read and check a file of reference data."""
    try:
        read = Reference.model_validate_json(file.read_bytes())
    except OSError as error:
        raise ImproperlyConfigured(f"The reference data cannot be read: {error}.") from error
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'file'}: {fault['msg']}"
            for fault in error.errors(include_url=False)
        )
        raise ImproperlyConfigured(f"{file} is not reference data: {faults}.") from error
    _demand_sense(file, read)
    return read


def _demand_sense(file: Path, read: Reference) -> None:
    """What the shapes alone do not say: ids name one thing each, services have a department."""
    faults = []
    for name in ("departments", "services", "themes"):
        ids = [each.id for each in getattr(read, name)]
        twice = sorted({each for each in ids if ids.count(each) > 1})
        faults += [f"{name}: {each} is there twice" for each in twice]
    departments = {department.id for department in read.departments}
    faults += [
        f"services: {service.id} is in the unknown department {service.department}"
        for service in read.services
        if service.department not in departments
    ]
    if not read.departments:
        faults.append("departments: there are none")
    if not read.referendum_delays:
        faults.append("referendum_delays: there are none")
    if faults:
        raise ImproperlyConfigured(f"{file} is not sound: {'; '.join(faults)}.")
