import json
from datetime import date

import pytest
from django.core.exceptions import ImproperlyConfigured

from infra.conf.reference import GENEVA, read_reference


def test_geneva_s_data_are_sound():
    read = read_reference(GENEVA)
    assert len(read.departments) == 5
    assert {service.department for service in read.services} == {
        department.id for department in read.departments
    }
    delay = read.referendum_delay(date(2018, 3, 21))
    assert (delay.days, "art. 77" in delay.source) == (40, True)
    assert len(read.themes) >= 10


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"departments": []}, "departments: there are none"),
        (
            {"services": [{"id": "x", "department": "y", "fr": "X", "en": "X"}]},
            "x is in the unknown",
        ),
        ({"themes": [{"id": "a", "fr": "A", "en": "A"}] * 2}, "themes: a is there twice"),
        ({"referendum_delays": []}, "there are none"),
        (
            {"referendum_delays": [{"since": "2013-06-01", "days": "40"}]},
            "referendum_delays.0.days",
        ),
        ({"extra": 1}, "extra"),
        ({"departments": [{"id": "Not a key", "fr": "A", "en": "A"}]}, "departments.0.id"),
    ],
)
def test_a_file_that_is_not_sound_is_refused_and_says_where(tmp_path, change, said):
    file = tmp_path / "city.json"
    file.write_text(json.dumps(json.loads(GENEVA.read_text("utf-8")) | change), "utf-8")
    with pytest.raises(ImproperlyConfigured, match=said.replace(".", r"\.")):
        read_reference(file)


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(ImproperlyConfigured, match="cannot be read"):
        read_reference(tmp_path / "none.json")
    broken = tmp_path / "broken.json"
    broken.write_bytes(b"{")
    with pytest.raises(ImproperlyConfigured, match="file: Invalid JSON"):
        read_reference(broken)
