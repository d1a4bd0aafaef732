"""The perimeter of a contract as GeoJSON (RFC 7946), in WGS 84.

The city's own geodata is in EPSG:2056 (MN95); a geometry that says so is reprojected. Rings are
turned as RFC 7946, 3.1.6, has them: the outer ones counter-clockwise, holes clockwise.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Annotated, Any

from pydantic import BeforeValidator, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError
from pyproj import Transformer
from shapely import is_ccw, linearrings
from shapely.errors import ShapelyError
from shapely.geometry import MultiPolygon, Polygon, box
from shapely.validation import explain_validity

from domain.kernel.values import KEEPER, STORED, is_unchanged

RING_LEAST = 4
"""Positions of the smallest ring: a triangle, closed."""

FARTHEST = 1e8
"""No coordinate of either system comes near."""

CANTON = box(5.95, 46.12, 6.32, 46.37)
"""The bounding box of the canton of Geneva, longitude and latitude, roughly."""

VERTICES_LIMIT = 20_000
DECIMALS = 7
"""Decimals of a degree kept: about a centimetre."""


def _refuse(code: str, message: str, **context: Any) -> PydanticCustomError:
    return PydanticCustomError(code, message, context)


@cache
def _from_mn95() -> Transformer:
    return Transformer.from_crs("EPSG:2056", "EPSG:4326", always_xy=True)


def _system(geojson: dict[str, Any]) -> str:
    """`EPSG:2056` or `EPSG:4326`, from the member `crs`, as a name or as in GeoJSON 2008."""
    crs = geojson.get("crs", "EPSG:4326")
    if isinstance(crs, dict) and isinstance(crs.get("properties"), dict):
        crs = crs["properties"].get("name")
    name = crs.upper() if isinstance(crs, str) else ""
    if name.endswith(("EPSG:2056", "EPSG::2056")):
        return "EPSG:2056"
    if name.endswith(("EPSG:4326", "EPSG::4326", "CRS84")):
        return "EPSG:4326"
    raise _refuse("crs", "The coordinate system must be EPSG:4326 (WGS 84) or EPSG:2056 (MN95).")


def _polygons(geojson: dict[str, Any]) -> list[list[list[tuple[float, float]]]]:
    """Polygons, rings, positions; every position two finite numbers."""
    coordinates = geojson.get("coordinates")
    match geojson.get("type"):
        case "Polygon":
            polygons = [coordinates]
        case "MultiPolygon":
            polygons = coordinates if isinstance(coordinates, list) else []
        case _:
            raise _refuse("geometry_type", "Must be a Polygon or a MultiPolygon.")
    read: list[list[list[tuple[float, float]]]] = []
    vertices = 0
    for polygon in polygons:
        if not isinstance(polygon, list) or not polygon:
            raise _refuse("rings", "A polygon is a list of rings.")
        rings = []
        for ring in polygon:
            if not isinstance(ring, list) or len(ring) < RING_LEAST or ring[0] != ring[-1]:
                raise _refuse(
                    "ring", "A ring is a list of at least 4 positions, the last the first."
                )
            vertices += len(ring)
            if vertices > VERTICES_LIMIT:
                raise _refuse(
                    "vertices",
                    "The geometry has more than {limit} vertices.",
                    limit=VERTICES_LIMIT,
                )
            rings.append([_position(position) for position in ring])
        read.append(rings)
    if not read:
        raise _refuse("empty", "The geometry is empty.")
    return read


def _position(position: Any) -> tuple[float, float]:
    match position:
        case [x, y] | [x, y, _]:  # a height is left out
            if all(type(n) in {int, float} and abs(n) < FARTHEST for n in (x, y)):
                return float(x), float(y)
    raise _refuse("position", "A position is two finite numbers.")


def read_perimeter(geojson: Any) -> dict[str, Any]:
    """A valid GeoJSON Polygon or MultiPolygon in WGS 84, inside the canton, rounded.

    Raises:
        PydanticCustomError: not such a geometry, empty, crossing itself, outside the canton.
    """
    if not isinstance(geojson, dict):
        raise _refuse("geometry", "Must be a GeoJSON geometry.")
    polygons = _polygons(geojson)
    if _system(geojson) == "EPSG:2056":
        polygons = [[_reprojected(ring) for ring in polygon] for polygon in polygons]
    polygons = [
        [[(round(x, DECIMALS), round(y, DECIMALS)) for x, y in ring] for ring in polygon]
        for polygon in polygons
    ]
    try:
        geometry = MultiPolygon([Polygon(rings[0], rings[1:]) for rings in polygons])
    except (ShapelyError, ValueError) as error:
        raise _refuse("geometry", "The geometry cannot be read: {why}.", why=str(error)) from error
    if not geometry.is_valid:
        raise _refuse(
            "self_crossing", "The geometry is not valid: {why}.", why=explain_validity(geometry)
        )
    if geometry.is_empty or geometry.area == 0:
        raise _refuse("empty", "The geometry is empty.")
    if not CANTON.covers(geometry):
        raise _refuse("outside", "The geometry lies outside the canton of Geneva.")
    written = [
        _turned([[list(position) for position in ring] for ring in rings]) for rings in polygons
    ]
    if len(written) == 1:
        return {"type": "Polygon", "coordinates": written[0]}
    return {"type": "MultiPolygon", "coordinates": written}


def _turned(rings: list[list[Any]]) -> list[list[Any]]:
    """The rings of one polygon, the first counter-clockwise and the others clockwise."""
    return [
        ring if is_ccw(linearrings(ring)) == (place == 0) else ring[::-1]
        for place, ring in enumerate(rings)
    ]


def stored_perimeter(geojson: dict[str, Any]) -> dict[str, Any]:
    """A perimeter as it was recorded, its rings turned: earlier versions left them as sent.

    Raises:
        PydanticCustomError: it is none, so the event was altered.
    """
    try:
        parts = geojson["coordinates"]
        if geojson["type"] == "Polygon":
            return {**geojson, "coordinates": _turned(parts)}
        return {**geojson, "coordinates": [_turned(rings) for rings in parts]}
    except (KeyError, TypeError, ValueError, ShapelyError):
        raise _refuse("geometry", "Must be a GeoJSON geometry.") from None


def _read(value: Any, info: ValidationInfo) -> dict[str, Any]:
    context = info.context or {}
    if (STORED in context and KEEPER not in context) or is_unchanged(value, info):
        return stored_perimeter(value)
    return read_perimeter(value)


def _reprojected(ring: list[tuple[float, float]]) -> list[tuple[float, float]]:
    xs, ys = _from_mn95().transform([x for x, _ in ring], [y for _, y in ring])
    if not all(math.isfinite(n) for n in (*xs, *ys)):
        raise _refuse("outside", "The geometry lies outside the canton of Geneva.")
    return list(zip(xs, ys, strict=True))


_POSITION = {
    "type": "array",
    "items": {"type": "number"},
    "minItems": 2,
    "maxItems": 3,
}
_RINGS = {
    "type": "array",
    "minItems": 1,
    "items": {"type": "array", "minItems": 4, "items": _POSITION},
}

Perimeter = Annotated[
    dict[str, Any],
    BeforeValidator(_read),
    WithJsonSchema(
        {
            "type": "object",
            "format": "geojson",
            "required": ["type", "coordinates"],
            "properties": {
                "type": {"enum": ["Polygon", "MultiPolygon"]},
                "coordinates": {
                    "anyOf": [_RINGS, {"type": "array", "minItems": 1, "items": _RINGS}]
                },
                "crs": {
                    "description": "EPSG:4326 (default) or EPSG:2056.",
                    "anyOf": [{"type": "string"}, {"type": "object"}],
                },
            },
        }
    ),
    "geometry",
]
"""A GeoJSON Polygon or MultiPolygon. What is sent must be valid, not empty, and in its place."""
