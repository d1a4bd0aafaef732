"""Whatever a GET asks for, and however: an answer or a clear problem, never a 5xx."""

import re
from http import HTTPStatus

import hypothesis
import pytest
from hypothesis import strategies as st

from infra.log.keys import LogKeys, write_keys
from infra.log.sealing import seal_all

NUMBERS = ("0", "-1", "1e9", "9" * 18, "9" * 19, "9" * 4_301, "١", "0x10", "1_000", "+1", " 1", "")
DAYS = (
    "0001-01-01",
    "1899-12-31",
    "1900-01-01",
    "2200-12-31",
    "9999-12-31",
    "2014-02-30",
    "٢٠١٤-01-01",
)
INSTANTS = (
    *("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:00:00Z"),
    *("9999-12-31T23:59:59.999999999-23:59", "2016-12-31T23:59:60Z", "2014-01-01T24:00:00Z"),
)
WORDS = ("\0", "\ufeff", "\u202e", "a" * 5_000, "%", "'", "{}", "..", "\\", "W10", "WzFd")
ACCEPTS = (
    *("", "*/*", "*/*;q=0", "text/html", "application/json;q=0", "text/*;q=0.1", "a/b" * 3_000),
    *("text/plain;a*=foo''x", "a/b;q=nan, */*;q=inf", ",;=/", "application/x-ndjson, text/plain"),
)
TAGS = ("*", '"', '"1"', 'W/"1;x"', '"1", ' * 1_000, f'"{"9" * 4_301}"', "\xff", ",,,")
LANGUAGES = ("", "*", "x" * 5_000, "en;q=9" * 500, "fr;q=-1,en;q=nan", "é")

SLOT = re.compile(r"\{(\w+)\}")
KNOWN = {
    "contract": ("paquis", "nowhere"),
    "view": ("overview", "roadmap", "nothing"),
    "slug": ("perimeter-set", "nothing"),
    "name": ("fields", "nothing"),
    "position": ("1", "2", "3"),
    "level": ("0", "1"),
    "index": ("000", "000.p/1", "x001/000"),
    "sha256": ("0" * 64,),
    "person": ("00000000-0000-4000-8000-000000000000",),
}


def values(schema):
    """What may be said where OpenAPI has this schema, and what had better not be."""
    odd = (*NUMBERS, *DAYS, *INSTANTS, *WORDS)
    fitting = schema.get("enum", ())
    if schema.get("format") == "date":
        fitting = DAYS
    elif schema.get("format") == "date-time":
        fitting = INSTANTS
    elif schema.get("type") == "integer":
        fitting = NUMBERS
    elif "anyOf" in schema:
        fitting = (*DAYS, *INSTANTS)
    chosen = st.sampled_from(odd) | st.text(max_size=20).map(
        lambda text: text.encode("utf-8", "replace").decode()
    )
    return st.sampled_from([str(each) for each in fitting]) | chosen if fitting else chosen


@st.composite
def requests(draw, path, operation):
    """The path, the query and the headers of a GET."""

    def fill(slot):
        known = st.sampled_from(KNOWN[slot[1]])
        return draw(known | known | st.sampled_from(("9" * 18, "9" * 4_301, "%00", "%ff", "é")))

    query = {
        parameter["name"]: draw(values(parameter["schema"]))
        for parameter in operation.get("parameters", ())
        if parameter.get("in") == "query" and draw(st.booleans())
    }
    headers = {
        "Accept": draw(st.sampled_from(ACCEPTS)),
        "Accept-Encoding": draw(st.sampled_from(("", "gzip;q=0", "*", *ACCEPTS))),
        "Accept-Language": draw(st.sampled_from(LANGUAGES)),
        "If-None-Match": draw(st.sampled_from(TAGS)),
        "If-Match": draw(st.sampled_from(TAGS)),
        "Last-Event-ID": draw(st.sampled_from(NUMBERS)),
    }
    return (
        SLOT.sub(fill, path),
        query,
        {name: headers[name] for name in headers if draw(st.booleans())},
    )


@pytest.fixture
def sealed(paquis, tmp_path, monkeypatch):
    file = tmp_path / "log-key"
    write_keys(file, LogKeys.generate("log.example/quartier"), new=True)
    monkeypatch.setenv("QUARTIER_SIGNING_KEY_FILE", str(file))
    return seal_all(file)


def judge(asking, path, query, headers):
    answer = asking.get(path, query, **headers)
    try:
        assert answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR, (path, query, headers)
    finally:
        answer.close()


def test_no_get_is_answered_with_an_error_of_ours(sealed, paquis, anybody, subtests):
    paths = anybody.get("/api/schema").json()["paths"]
    paths |= {f"/log/{name}": {"get": {}} for name in ("checkpoint", "key")}
    paths |= {f"/log/tile/{name}/{{index}}": {"get": {}} for name in ("{level}", "entries")}
    for path, item in paths.items():
        if "get" not in item:
            continue

        @hypothesis.settings(
            max_examples=40,
            phases=[hypothesis.Phase.generate],
            derandomize=True,
            database=None,
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        @hypothesis.given(requests(path, item["get"]), st.booleans())
        def run(request, known):
            judge(paquis if known else anybody, *request)

        with subtests.test(path):
            run()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_content_type_that_cannot_be_read_is_none(database, method):
    """Told by the application as the server calls it: Django's own client does not call it."""
    from werkzeug.test import Client  # noqa: PLC0415

    from infra.web.wsgi import application  # noqa: PLC0415 - needs settings

    odd = "application/json; charset*=nobody-knows''x"
    answer = Client(application).open("/api/v1/contracts", method=method, content_type=odd)
    assert answer.status_code == (200 if method == "GET" else 401)
