"""What a machine lacks is skipped with the reason, and fails where everything is required."""

import pytest

SUITE = """
    import pytest
    from tests.conftest import absent

    def test_needs_something():
        absent("Kafka", "no broker is named")

    @pytest.fixture
    def browser():
        absent("Chromium", "not on the PATH")

    def test_needs_a_browser(browser):
        pass

    def test_skipped_for_another_reason():
        pytest.skip("only root")
"""


@pytest.fixture
def suite(pytester):
    pytester.makeconftest("from tests.conftest import pytest_runtest_makereport")
    pytester.makepyfile(SUITE)
    return pytester


def test_a_skip_gives_its_reason(suite, monkeypatch):
    monkeypatch.delenv("QUARTIER_REQUIRE_ALL", raising=False)
    run = suite.runpytest("-rs", "-p", "no:django")
    run.assert_outcomes(skipped=3)
    assert run.ret == pytest.ExitCode.OK
    run.stdout.fnmatch_lines(["*not to be had here: Kafka (no broker is named)"])


def test_a_skip_for_want_of_something_fails_where_all_is_required(suite, monkeypatch):
    monkeypatch.setenv("QUARTIER_REQUIRE_ALL", "1")
    run = suite.runpytest("-rs", "-p", "no:django")
    run.assert_outcomes(failed=1, errors=1, skipped=1)
    assert run.ret == pytest.ExitCode.TESTS_FAILED
    run.stdout.fnmatch_lines(["QUARTIER_REQUIRE_ALL=1, but not to be had here: Chromium *"])
