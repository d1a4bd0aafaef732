"""Whatever is sent: a clear problem in the one shape, nothing recorded, never a 5xx."""

import io
import json

import pytest

from api.http.sentences import OTHERWISE
from tests.api.conftest import INITIATED, PERIMETER, each, problem

CONTRACTS = "/api/v1/contracts"
PATH = f"{CONTRACTS}/paquis/decisions"
NEED = {
    "need": "n1",
    "title": "Un préau ouvert",
    "origin": "written",
    "theme": "espace-public",
    "text": "Le préau est fermé le soir.",
}


@pytest.fixture(autouse=True)
def nothing_is_recorded(paquis, log_size, database):
    """Each of these tests leaves events, texts and idempotency records as they were."""
    from django.db import connection  # noqa: PLC0415 - needs settings

    def counts():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT (SELECT count(*) FROM event), (SELECT size FROM event_log),"
                " (SELECT count(*) FROM vault_text), (SELECT count(*) FROM idempotency)"
            )
            return cursor.fetchone()

    before = counts()
    yield
    assert counts() == before


def errors_of(answer):
    """Codes by pointer; each has a French sentence of its own."""
    for error in answer.json().get("errors", ()):
        assert error["message"] != OTHERWISE.format(code=error["code"]), error
    return {error["pointer"]: error["code"] for error in problem(answer, 422, "fields")["errors"]}


# --- Not even JSON ------------------------------------------------------------------------------


@each(
    "body",
    [
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"\xff\xfe{\x00}\x00",
        b'{"decided_on": "2014-04-01", "data": {"reason": "\xe9"}}',
        b'\xef\xbb\xbf{"data": {}}',
        b'{"data": NaN}',
        b'{"data": Infinity}',
        b'{"data": -Infinity}',
        b'{"data": 1e400}',
        b'{"data": {"reason": "\\ud800"}}',
        b'{"data": {"\\udfff": 1}}',
        b'{"data": {}, "data": {}}',
        b'{"data": {"reason": "a", "reason": "b"}}',
        b'{"data": {"a": {"b": 1, "b": 1}}}',
        b'{"data": {} /* */}',
        b"{'data': {}}",
        b'{"data": 01}',
        b'{"data": {}}x',
        b'{"data": "\x00"}',
        b'{"data": ' + b"[" * 100 + b"]" * 100 + b"}",
        b'{"data": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"data": ' + b'{"a":' * 900 + b"1" + b"}" * 900 + b"}",
        b"[" * 2_000_000,
    ],
)
def test_what_is_not_json_is_malformed(paquis, body):
    problem(paquis.post(f"{PATH}/contract-suspended", body), 400, "malformed")


@each(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1"],
)
def test_a_body_must_say_that_it_is_json(paquis, content_type):
    answer = paquis.post(f"{PATH}/contract-suspended", {"data": {}}, content_type=content_type)
    problem(answer, 415, "media-type")


def test_a_compressed_body_is_not_taken(paquis):
    answer = paquis.post(f"{PATH}/contract-suspended", {"data": {}}, **{"Content-Encoding": "gzip"})
    problem(answer, 415, "media-type")


def test_ten_megabytes_are_too_large(paquis):
    ring = ",".join(["[6.1,46.2]"] * 1_000_000)
    body = f'{{"data": {{"perimeter": {{"coordinates": [[{ring}]]}}}}}}'.encode()
    assert len(body) > 10_000_000
    problem(paquis.post(f"{PATH}/perimeter-set", body), 413, "too-large")


def as_it_is(paquis, body, **environ):
    """A POST whose headers do not fit its body."""
    return paquis.client.generic(
        "POST",
        f"{PATH}/contract-suspended",
        body,
        headers={"Authorization": f"Bearer {paquis.token}"},
        **{"CONTENT_TYPE": "application/json", "wsgi.input": io.BytesIO(body), **environ},
    )


def test_a_body_that_is_cut_off_is_refused(paquis):
    body = b'{"decided_on": "2014-04-01", "data": {"reason": "x"}}'
    problem(as_it_is(paquis, body, CONTENT_LENGTH="1000"), 400, "malformed")


@each("length", ["-1", "x", "1e3", "9" * 40])
def test_a_length_that_is_none_is_refused(paquis, length):
    answer = as_it_is(paquis, b"{}", CONTENT_LENGTH=length)
    assert answer.status_code in {400, 413}


def test_no_body_is_no_json(paquis):
    problem(as_it_is(paquis, b""), 400, "malformed")
    problem(as_it_is(paquis, b"", CONTENT_TYPE=""), 415, "media-type")


# --- Addresses ----------------------------------------------------------------------------------


@each(
    "path",
    [
        f"{PATH}/no-such-type",
        f"{PATH}/ContractSuspended",
        f"{CONTRACTS}/unknown/decisions/contract-suspended",
        f"{CONTRACTS}/PAQUIS/decisions/contract-suspended",
        f"{CONTRACTS}/%00/decisions/contract-suspended",
        f"{CONTRACTS}/paquis%0a/decisions/contract-suspended",
        f"{CONTRACTS}/%ff%fe/decisions/contract-suspended",
        f"{CONTRACTS}/..%2f..%2fetc/decisions/contract-suspended",
        f"{PATH}/contract-suspended/",
        "/api/v1/nothing",
    ],
)
def test_unknown_types_and_contracts_are_not_found(paquis, path):
    body = {"decided_on": "2014-04-01", "data": {"reason": "x"}}
    problem(paquis.post(path, body), 404, "not-found")


@each("method", ["put", "patch", "delete", "trace"])
def test_other_methods_are_not_allowed(paquis, client, method):
    answer = getattr(client, method)(f"{PATH}/contract-suspended")
    problem(answer, 405, "method")
    assert answer["Allow"] == "POST, OPTIONS"


def test_a_host_that_is_not_ours_is_refused(client):
    problem(client.get("/api/v1/events", headers={"Host": "evil.example"}), 400, "malformed")


# --- Fields -------------------------------------------------------------------------------------


def test_everything_wrong_is_said_at_once(paquis):
    answer = paquis.post(
        f"{PATH}/need-expressed",
        {
            "decided_on": "2014-02-30",
            "body": "nobody",
            "colour": "red",
            "data": {
                "need": "N 1",
                "title": " ",
                "origin": "rumour",
                "theme": 7,
                "point": {"longitude": "6.1", "latitude": 40},
                "extra": 1,
            },
            "evidence": [{"sha256": "xyz"}, "nothing"],
            "departures": {"NOT A RULE": 5},
        },
    )
    assert errors_of(answer) == {
        "/colour": "extra_forbidden",
        "/body": "body",
        "/decided_on": "date",
        "/evidence/0/sha256": "string_pattern_mismatch",
        "/evidence/0/title": "missing",
        "/evidence/1": "model_type",
        "/departures/NOT A RULE": "string_type",
        "/data/need": "string_pattern_mismatch",
        "/data/title": "blank",
        "/data/origin": "enum",
        "/data/theme": "string_type",
        "/data/text": "missing",
        "/data/point/longitude": "float_type",
        "/data/point/latitude": "greater_than_equal",
        "/data/extra": "extra_forbidden",
    }


def test_an_empty_request_misses_what_is_needed(paquis):
    assert errors_of(paquis.post(f"{PATH}/contract-suspended", {})) == {
        "/decided_on": "missing",
        "/data": "missing",
    }
    answer = paquis.post(f"{PATH}/contract-suspended", {"decided_on": None, "data": None})
    assert errors_of(answer) == {"/decided_on": "missing", "/data": "missing"}


@each("data", [[], "x", 5, True])
def test_data_must_be_an_object(paquis, data):
    answer = paquis.decide("contract-suspended", data)
    assert set(errors_of(answer)) == {"/data"}


@each("empty", ["", 0, False, {}])
def test_evidence_must_be_a_list(paquis, empty):
    answer = paquis.decide("contract-suspended", {"reason": "x"}, evidence=empty)
    assert set(errors_of(answer)) == {"/evidence"}


@each("empty", ["", 0, False, []])
def test_departures_must_be_an_object(paquis, empty):
    answer = paquis.decide("contract-suspended", {"reason": "x"}, departures=empty)
    assert set(errors_of(answer)) == {"/departures"}


@each(
    "day",
    [
        "2014-4-1",
        "01.04.2014",
        "2014-04-01T00:00:00Z",
        20140401,
        "",
        "0000-01-01",
        "２０１４-04-01",
    ],
)
def test_a_day_is_written_as_iso_has_it(paquis, day):
    answer = paquis.decide("contract-suspended", {"reason": "x"}, on=day)
    assert errors_of(answer) == {"/decided_on": "date"}


@each("day", ["9999-12-31", "2013-12-31", "0001-01-01"])
def test_days_out_of_order_are_refused_by_the_rules(paquis, day):
    problem(paquis.decide("contract-suspended", {"reason": "x"}, on=day), 409, "rules")


@each(
    "amount",
    [
        "10.001",
        "1e3",
        "-1.00",
        "1'000",
        "",
        " 1",
        "1000000000000",
        "NaN",
        "１",
        10,
        10.5,
        None,
        "1\n",
    ],
)
def test_amounts_are_francs_with_two_decimals_as_text(paquis, amount):
    answer = paquis.decide("operating-budget-granted", {"year": 2014, "amount": amount})
    assert errors_of(answer) == {"/data/amount": "amount"}


@each("amount", [b"1e400", b"1e-400", b"10.00", b"1" * 400])
def test_amounts_are_no_numbers(paquis, amount):
    body = b'{"decided_on": "2014-04-01", "data": {"year": 2014, "amount": %b}}' % amount
    answer = paquis.post(f"{PATH}/operating-budget-granted", body)
    assert answer.status_code in {400, 422}
    problem(answer, answer.status_code, "malformed" if answer.status_code == 400 else "fields")


@each("year", [10**30, 2**63, -(10**30), 1.5, "2014", True, [2014]])
def test_years_are_whole_numbers_of_some_size(paquis, year):
    answer = paquis.decide("operating-budget-granted", {"year": year, "amount": "1.00"})
    assert set(errors_of(answer)) == {"/data/year"}


@each(
    "text",
    ["\0", "a\0b", "\x1b[31m", "\x7f", " \n\t ", "", "a" * 20_001, 5, None, ["x"], {"text": "x"}],
)
def test_texts_hold_no_control_characters(paquis, text):
    answer = paquis.decide("contract-suspended", {"reason": text})
    assert set(errors_of(answer)) == {"/data/reason"}


def test_a_reference_to_somebody_elses_text_is_no_text(paquis, anybody):
    reference = anybody.get("/api/v1/events/1").json()["data"]["justification"]
    answer = paquis.decide("contract-suspended", {"reason": reference})
    assert set(errors_of(answer)) == {"/data/reason"}


@each("title", ["\0", "a\nb", "\u202eabc", "a" * 121, " a", "\u2028"])
def test_titles_are_one_line(paquis, title):
    answer = paquis.post(
        CONTRACTS, {"decided_on": "2014-03-01", "data": INITIATED | {"title": title}}
    )
    assert set(errors_of(answer)) == {"/data/title"}


@each("contract", ["", "A", "a b", "-a", "a" * 61, "paquis\n", 5, ["a"], "../x"])
def test_a_contracts_id_is_a_short_key(paquis, contract):
    answer = paquis.post(
        CONTRACTS, {"contract": contract, "decided_on": "2014-03-01", "data": INITIATED}
    )
    assert set(errors_of(answer)) == {"/contract"}


def test_persons_must_be_known(paquis):
    nobody = "00000000-0000-4000-8000-000000000000"
    answer = paquis.decide("coordinator-appointed", {"person": nobody, "starts_on": "2014-04-01"})
    assert errors_of(answer) == {"/data/person": "unknown_person"}
    answer = paquis.decide("coordinator-appointed", {"person": "Me", "starts_on": "2014-04-01"})
    assert errors_of(answer) == {"/data/person": "string_pattern_mismatch"}


def test_what_corrects_is_read_as_what_it_corrects(paquis):
    answer = paquis.decide(
        "decision-rectified",
        {"position": 1, "reason": "Faute.", "fields": {"title": "\0", "colour": 1}},
        body="administrative_council",
    )
    assert set(errors_of(answer)) == {"/data/fields/title", "/data/fields/colour"}


# --- Geometry -----------------------------------------------------------------------------------


def ring(*corners):
    return {"type": "Polygon", "coordinates": [list(corners)]}


A, B, C, D = [6.145, 46.208], [6.152, 46.208], [6.152, 46.214], [6.145, 46.214]


@each(
    ("perimeter", "code"),
    [
        (None, "geometry"),
        ("POLYGON", "geometry"),
        ({}, "geometry_type"),
        ({"type": "Point", "coordinates": A}, "geometry_type"),
        ({"type": "Polygon", "coordinates": []}, "rings"),
        ({"type": "Polygon"}, "rings"),
        ({"type": "MultiPolygon", "coordinates": []}, "empty"),
        (ring(A, B, A), "ring"),
        (ring(A, B, C, D), "ring"),
        (ring(A, C, B, D, A), "self_crossing"),
        (ring(A, A, A, A), "self_crossing"),
        (ring(A, B, "x", A), "position"),
        (ring(A, B, [6.15, None], A), "position"),
        (ring(A, B, [1e300, 46.2], A), "position"),
        (ring([2.35, 48.85], [2.36, 48.85], [2.36, 48.86], [2.35, 48.85]), "outside"),
        (PERIMETER | {"crs": "EPSG:21781"}, "crs"),
        ({"type": "Polygon", "coordinates": [[[6.1, 46.2]] * 20_001]}, "vertices"),
        ({"type": "Polygon", "coordinates": [[[2e6, 1e6]] * 4], "crs": "EPSG:2056"}, None),
    ],
)
def test_a_perimeter_is_a_valid_polygon_in_the_canton(paquis, perimeter, code):
    answer = paquis.decide("perimeter-set", {"perimeter": perimeter})
    errors = errors_of(answer)
    assert set(errors) == {"/data/perimeter"}
    if code:
        assert errors["/data/perimeter"] == code


def test_coordinates_are_numbers(paquis):
    body = json.dumps({"decided_on": "2014-04-01", "data": {"perimeter": PERIMETER}})
    nan = body.replace("6.145", "NaN").encode()
    problem(paquis.post(f"{PATH}/perimeter-set", nan), 400, "malformed")


# --- Queries ------------------------------------------------------------------------------------


@each(
    ("path", "query"),
    [
        ("contracts/paquis", "known_at=yesterday"),
        ("contracts/paquis", "known_at=2014-01-01"),
        ("contracts/paquis", "known_at=2014-01-01T00:00:00"),
        ("contracts/paquis", "known_at=0001-01-01T00:00:00%2b23:59"),
        ("contracts/paquis", "known_at=9999-12-31T23:59:59-23:59"),
        ("contracts/paquis", "known_at=2014-01-01T25:00:00Z"),
        ("contracts/paquis", "valid_at=2014-02-30"),
        ("contracts/paquis", "valid_at=2014-01-01&valid_at=2015-01-01"),
        ("contracts/paquis", "knwon_at=2014-01-01T00:00:00Z"),
        ("contracts/paquis/history", "limit=0"),
        ("contracts/paquis/history", "limit=1001"),
        ("contracts/paquis/history", "limit=-1"),
        ("contracts/paquis/history", "limit=ten"),
        ("contracts/paquis/history", "limit=１"),
        ("contracts/paquis/history", "after=x"),
        ("contracts/paquis/history", "after=99999999999"),
        ("contracts", "after=x"),
        ("contracts", "after=WyJhIiwgMV0"),
        ("contracts", "after=WyJcdTAwMDAiXQ"),
        ("contracts", "q=prau&after=WzFlNDAwLCAiYSJd"),
        ("contracts", "q=prau&after=WzEwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAsICJhIl0"),
        ("contracts", "q="),
        ("contracts", "q=%00"),
        ("contracts", "q=" + "a" * 201),
        ("contracts", "standing=lost"),
        ("contracts", "bbox=1,2,3"),
        ("contracts", "bbox=a,b,c,d"),
        ("contracts", "bbox=6.16,46.20,6.14,46.22"),
        ("contracts", "bbox=6.14,46.22,6.16,46.20"),
        ("contracts", f"bbox=6.{'1' * 4301},46.20,6.16,46.22"),
        ("contracts", f"limit={'9' * 4301}"),
        ("contracts/paquis/history", f"after={'9' * 4301}"),
        ("contracts/paquis/overview/changes", "from=2014-04-02&to=2014-04-01&axis=valid"),
        ("contracts/paquis/evidence.zip", f"kept={'9' * 4301}"),
        ("events", f"after={'9' * 4301}"),
        ("funding/sums", f"year={'9' * 4301}"),
        ("calendar", "from=2016-01-02&to=2016-01-01"),
        ("contracts", "at=6.1"),
        ("contracts", "at=6.1,46.2&q=x"),
        ("events", "after=-1"),
        ("events", "after=1e3"),
        ("events", "type=no-such-type"),
        ("events", "after=9999999999999999999"),
        ("calendar", "from=tomorrow"),
        ("calendar", "occasion=party"),
        ("calendar", "after=WyJ4IiwgImEiLCAiYiIsICJjIl0"),
        ("silences", "state=quiet"),
        ("funding/entries", "after=WzEwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMCwgMV0"),
        ("funding/ledger", "contract=A"),
        ("reference", "x=1"),
    ],
)
def test_a_query_is_read_strictly(paquis, anybody, path, query):
    answer = anybody.client.get(f"/api/v1/{path}?{query}")
    (error,) = problem(answer, 400, "query")["errors"]
    assert error["pointer"].startswith("/")
    assert error["message"]


def test_every_unknown_parameter_is_named(anybody):
    answer = anybody.client.get("/api/v1/events?b=1&a=%00%ff&limit=x")
    errors = problem(answer, 400, "query")["errors"]
    assert [error["pointer"] for error in errors] == ["/b", "/a", "/limit"]


# --- Need, for completeness ---------------------------------------------------------------------


def test_a_need_cannot_be_anywhere_in_the_world(paquis):
    answer = paquis.decide(
        "need-expressed",
        NEED | {"point": {"longitude": 2.35, "latitude": 48.85}},
        body="service",
    )
    assert set(errors_of(answer)) == {"/data/point/longitude", "/data/point/latitude"}
