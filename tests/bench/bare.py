"""A bare DRF endpoint that inserts one row: what an append over HTTP is held against."""

from __future__ import annotations

import json

from django.db import connection
from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

TABLE = "CREATE TABLE IF NOT EXISTS bare (id bigserial PRIMARY KEY, data json NOT NULL)"


class BareView(APIView):
    """Take any JSON, store it, answer with it."""

    def post(self, request: Request) -> Response:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO bare (data) VALUES (%s) RETURNING id", [json.dumps(request.data)]
            )
            (number,) = cursor.fetchone()
        return Response({"id": number, "data": request.data}, status=201)


urlpatterns = [path("bare", BareView.as_view())]
