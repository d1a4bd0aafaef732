"""The perimeter: valid GeoJSON in the canton; WGS 84 or EPSG:2056 in, WGS 84 out."""

import contextlib
import itertools
import json
import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from domain.chapters.initiation import PerimeterSet
from domain.kernel.geometry import _from_mn95, read_perimeter, stored_perimeter
from domain.kernel.payload import read
from tests.domain.given import Keeper, told
from tests.domain.stages import INITIATED, SQUARE

RING = SQUARE["coordinates"][0]


def polygon(*rings, **more):
    return {"type": "Polygon", "coordinates": [list(ring) for ring in rings], **more}


def moved(ring, east=0.0, north=0.0):
    return [[x + east, y + north] for x, y in ring]


HOLE = [[6.147, 46.211], [6.149, 46.211], [6.149, 46.213], [6.147, 46.213], [6.147, 46.211]]


def fault(geometry) -> str:
    with pytest.raises(PydanticCustomError) as raised:
        read_perimeter(geometry)
    return raised.value.type


def circle(vertices: int):
    ring = [
        [
            6.15 + 0.02 * math.cos(2 * math.pi * step / vertices),
            46.21 + 0.02 * math.sin(2 * math.pi * step / vertices),
        ]
        for step in range(vertices)
    ]
    return [*ring, ring[0]]


def test_the_transformer_meets_the_official_constants():
    """E 2,600,000 N 1,200,000 is Bern: 7.438632 E, 46.951083 N."""
    east, north = _from_mn95().transform(2_600_000, 1_200_000)
    assert (round(east, 6), round(north, 6)) == (7.438632, 46.951083)


def test_the_city_s_own_coordinates_are_reprojected():
    corners = [
        [2_500_000, 1_118_000],
        [2_500_500, 1_118_000],
        [2_500_500, 1_118_500],
        [2_500_000, 1_118_500],
        [2_500_000, 1_118_000],
    ]
    for crs in (
        "EPSG:2056",
        "urn:ogc:def:crs:EPSG::2056",
        {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::2056"}},
    ):
        read = read_perimeter(polygon(corners, crs=crs))
        (ring,) = read["coordinates"]
        assert "crs" not in read
        assert ring[0] == pytest.approx([6.147, 46.209], abs=0.01)
        assert all(round(number, 7) == number for position in ring for number in position)


def test_heights_are_left_out():
    high = polygon([[x, y, 375.0] for x, y in RING])
    assert read_perimeter(high) == read_perimeter(SQUARE)


def test_holes_and_several_parts_are_kept():
    assert len(read_perimeter(polygon(RING, HOLE))["coordinates"]) == 2
    parts = {"type": "MultiPolygon", "coordinates": [[RING], [moved(RING, east=0.02)]]}
    assert read_perimeter(parts)["type"] == "MultiPolygon"
    one = {"type": "MultiPolygon", "coordinates": [[RING]]}
    assert read_perimeter(one) == read_perimeter(SQUARE)


NAN, INFINITE = float("nan"), float("inf")
CROSSING = [[6.1, 46.2], [6.2, 46.3], [6.2, 46.2], [6.1, 46.3], [6.1, 46.2]]


@pytest.mark.parametrize(
    ("geometry", "code"),
    [
        (polygon(CROSSING), "self_crossing"),
        (polygon(RING, moved(HOLE, east=0.02)), "self_crossing"),
        ({"type": "MultiPolygon", "coordinates": [[RING], [RING]]}, "self_crossing"),
        (polygon(moved(RING, east=0.5)), "outside"),
        (polygon(moved(RING, north=-10)), "outside"),
        (polygon([[x * 1e6, y * 1e6] for x, y in RING]), "outside"),
        (polygon([[x * 1e6, y * 1e6] for x, y in RING], crs="EPSG:2056"), "outside"),
        (
            polygon(
                [
                    [2_600_000, 1_200_000],
                    [2_600_100, 1_200_000],
                    [2_600_100, 1_200_100],
                    [2_600_000, 1_200_000],
                ],
                crs="EPSG:2056",
            ),
            "outside",
        ),
        (polygon([RING[0], [NAN, 46.2], *RING[2:]]), "position"),
        (polygon([RING[0], [INFINITE, 46.2], *RING[2:]]), "position"),
        (polygon([RING[0], [10**400, 46.2], *RING[2:]]), "position"),
        (polygon([RING[0], [True, 46.2], *RING[2:]]), "position"),
        (polygon([RING[0], ["6.1", "46.2"], *RING[2:]]), "position"),
        (polygon([RING[0], [6.1], *RING[2:]]), "position"),
        (polygon([RING[0], [6.1, 46.2, 0, 0], *RING[2:]]), "position"),
        (polygon([RING[0], None, *RING[2:]]), "position"),
        (polygon(RING[:-1]), "ring"),
        (polygon(RING[:2]), "ring"),
        (polygon([RING[0]] * 4), "self_crossing"),
        (polygon(), "rings"),
        ({"type": "Polygon"}, "rings"),
        ({"type": "Polygon", "coordinates": "x"}, "rings"),
        ({"type": "Polygon", "coordinates": {"0": 1}}, "rings"),
        ({"type": "Polygon", "coordinates": [1]}, "ring"),
        ({"type": "MultiPolygon", "coordinates": []}, "empty"),
        ({"type": "MultiPolygon", "coordinates": None}, "empty"),
        ({"type": "MultiPolygon", "coordinates": [None]}, "rings"),
        ({"type": "Point", "coordinates": [6.1, 46.2]}, "geometry_type"),
        ({"type": ["Polygon"], "coordinates": [RING]}, "geometry_type"),
        ({"coordinates": [RING]}, "geometry_type"),
        ({}, "geometry_type"),
        (None, "geometry"),
        ([], "geometry"),
        ("POLYGON EMPTY", "geometry"),
        (polygon(RING, crs="EPSG:21781"), "crs"),
        (polygon(RING, crs="EPSG:12056"), "crs"),
        (polygon(RING, crs=None), "crs"),
        (polygon(RING, crs={"properties": {"name": {}}}), "crs"),
        (polygon(RING, crs=4326), "crs"),
        (polygon(circle(20_000)), "vertices"),
    ],
    ids=lambda part: str(part)[:48],
)
def test_what_is_not_a_perimeter(geometry, code):
    assert fault(geometry) == code


def test_a_large_perimeter_is_read():
    assert len(read_perimeter(polygon(circle(19_999)))["coordinates"][0]) == 20_000


@pytest.mark.parametrize(
    "geometry",
    [
        polygon([[6.1, 46.2]] * 500_000),
        {"type": "Polygon", "coordinates": [RING] * 10_000},
        {"type": "MultiPolygon", "coordinates": [[RING]] * 10_000},
        {"type": "x" * 10_000_000, "coordinates": []},
        {**SQUARE, "crs": "x" * 10_000_000},
        {"type": "Polygon", "coordinates": "x" * 10_000_000},
    ],
    ids=["positions", "rings", "parts", "type", "crs", "coordinates"],
)
def test_megabytes_are_refused_at_once(geometry):
    sent = json.dumps({"perimeter": geometry})
    contract = told(*INITIATED)
    began = time.perf_counter()
    json.loads(sent)
    reading = time.perf_counter() - began
    with pytest.raises(ValidationError) as raised:
        PerimeterSet.parse(sent, keeper=Keeper(), contract=contract)
    assert time.perf_counter() - began < 8 * reading + 2
    assert len(raised.value.errors(include_input=False)[0]["msg"]) < 200


@given(
    st.lists(st.tuples(st.floats(5.95, 6.32), st.floats(46.12, 46.37)), min_size=3, max_size=8).map(
        lambda ring: [*map(list, ring), list(ring[0])]
    )
)
def test_whatever_is_drawn_is_read_or_refused_and_reads_back_the_same(ring):
    try:
        read = read_perimeter(polygon(ring))
    except PydanticCustomError:
        return
    assert read_perimeter(read) == read
    assert read_perimeter(json.loads(json.dumps(read))) == read


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.sampled_from(["type", "coordinates", "crs", "x"]), inner)
        ),
    )
)
def test_nothing_that_is_sent_raises_anything_else(sent):
    for geometry in (sent, {"type": "Polygon", "coordinates": sent}, {**SQUARE, "crs": sent}):
        with contextlib.suppress(PydanticCustomError):
            read_perimeter(geometry)


# --- RFC 7946 -----------------------------------------------------------------------------------

CLOCKWISE = RING[::-1]


def turns(ring) -> str:
    """Which way a ring goes round, by its signed area."""
    area = sum(a[0] * b[1] - b[0] * a[1] for a, b in itertools.pairwise(ring))
    return "counter-clockwise" if area > 0 else "clockwise"


@pytest.mark.parametrize("outer", [RING, CLOCKWISE])
@pytest.mark.parametrize("hole", [HOLE, HOLE[::-1]])
def test_outer_rings_go_counter_clockwise_and_holes_clockwise(outer, hole):
    """Section 3.1.6, whatever was sent; which corner a ring begins at stays."""
    for geometry in (
        polygon(outer, hole),
        {"type": "MultiPolygon", "coordinates": [[moved(outer, east=0.02)], [outer, hole]]},
    ):
        read = read_perimeter(geometry)
        parts = [read["coordinates"]] if read["type"] == "Polygon" else read["coordinates"]
        for first, *others in parts:
            assert turns(first) == "counter-clockwise"
            assert {turns(other) for other in others} <= {"clockwise"}
        assert parts[-1][0][0] == RING[0]
        assert read_perimeter(read) == read == stored_perimeter(geometry | read)


def test_what_was_stored_as_it_was_sent_is_read_the_right_way_round():
    """The payload, and so its digest, is left alone."""
    payload = json.dumps({"data": {"perimeter": polygon(CLOCKWISE, HOLE)}})
    stored = read("perimeter-set", 1, payload).data
    assert stored.perimeter == read_perimeter(polygon(CLOCKWISE, HOLE))


@pytest.mark.parametrize("altered", [{}, {"type": "Polygon", "coordinates": [[1]]}, polygon([1])])
def test_an_altered_perimeter_cannot_be_read(altered):
    with pytest.raises(ValidationError):
        read("perimeter-set", 1, json.dumps({"data": {"perimeter": altered}}))


def test_only_what_rfc_7946_has_is_kept():
    sent = polygon(RING, crs="EPSG:4326", bbox=[0, 0, 1, 1], properties={"x": 1}, features=[])
    assert read_perimeter(sent).keys() == {"type", "coordinates"}
