"""Requests made up from our own schema: no 5xx, and no answer that the schema does not describe."""

import contextlib

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis.strategies import integers
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

EXAMPLES = 4
"""For each operation and each way of making requests up."""

CHECKS = [
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]


@pytest.fixture
def operations(paquis, tmp_path, monkeypatch):
    """Every operation of the schema, served by our own application."""
    from infra.web.wsgi import application  # noqa: PLC0415 - needs settings

    def closing(environ, start_response):
        """As a server does: schemathesis leaves long answers open, and they hold their slots."""
        answer = application(environ, start_response)
        try:
            return list(answer)
        finally:
            answer.close()

    monkeypatch.setenv("QUARTIER_DOCUMENTS", str(tmp_path))
    schema = schemathesis.openapi.from_wsgi("/api/schema", closing)
    return [result.ok() for result in schema.get_all_operations()]


def check(operation, mode, headers):
    """Make requests up and judge the answers; most of them of a contract that there is."""

    @hypothesis.settings(
        max_examples=EXAMPLES,
        phases=[Phase.generate],
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), luck=integers(0, 4))
    def run(case, luck):
        if luck and "contract" in (case.path_parameters or {}):
            case.path_parameters["contract"] = "paquis"
            if luck > 1:
                case.headers.pop("If-Match", None)
        answer = case.call(headers=headers)
        later = answer.status_code == 503 and "retry-after" in answer.headers
        # What was recorded a moment ago is not sealed yet, and says when to come back.
        checks = CHECKS if later else [not_a_server_error, *CHECKS]
        case.validate_response(answer, checks=checks)

    # Where nothing can be said wrongly, no wrong request can be made up.
    with contextlib.suppress(hypothesis.errors.Unsatisfiable):
        run()


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_answer_is_one_that_the_schema_describes(operations, paquis, mode, subtests):
    headers = {"Authorization": f"Bearer {paquis.token}"}
    for operation in operations:
        with subtests.test(operation.label):
            check(operation, mode, headers)
