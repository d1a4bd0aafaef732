"""What is written into a file is what is read out of it, and nothing of it is run."""

import csv
import datetime as dt
import io
import subprocess
import sys
import zipfile
from dataclasses import dataclass, field
from decimal import Decimal

import openpyxl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from openpyxl.utils.escape import unescape

from api.http import spreadsheet
from api.http.spreadsheet import Sheet, as_csv, as_xlsx, cells, columns_of
from domain.chapters.funding import RouteKind
from domain.kernel.values import Bilingual


@dataclass(frozen=True)
class Sums:
    spent: Decimal


@dataclass(frozen=True)
class Row:
    text: str | None
    count: int
    day: dt.date
    kind: RouteKind
    amount: Decimal
    held: Sums = field(metadata={"nested": True})


COLUMNS = ["text", "count", "day", "kind", "amount", "held_spent"]
SHEET = Sheet(
    Bilingual("Essai", "Trial"), COLUMNS, {name: Bilingual(name, name) for name in COLUMNS}, {}
)

cents = st.integers(-(10**14), 10**14).map(lambda n: Decimal(n).scaleb(-2))
# A line as titles and references are: no control characters, no lone surrogates.
lines = st.text(
    st.one_of(
        st.sampled_from("=+-@'\",;_x0041 é"), st.characters(exclude_categories=["C", "Zl", "Zp"])
    ),
    min_size=1,
    max_size=40,
)
rows = st.builds(
    Row,
    text=st.none() | lines,
    count=st.integers(0, 10**12),
    day=st.dates(dt.date(1900, 3, 1), dt.date(2200, 1, 1)),
    kind=st.sampled_from(RouteKind),
    amount=cents,
    held=st.builds(Sums, cents),
)


def written(write, given_rows, language="fr"):
    with write(SHEET, map(cells(Row, COLUMNS), given_rows), language) as file:
        return file.read()


def pages(data):
    book = openpyxl.load_workbook(io.BytesIO(data))
    return [[list(row) for row in sheet.iter_rows()] for sheet in book]


@given(st.lists(rows, max_size=5))
@settings(max_examples=60, deadline=None)
@example(
    [Row("=1+1", 1, dt.date(2020, 1, 1), RouteKind.NONE_NEEDED, Decimal("-0.10"), Sums(Decimal(0)))]
)
@example(
    [Row("_x0041_", 1, dt.date(2020, 1, 1), RouteKind.NONE_NEEDED, Decimal(0), Sums(Decimal(0)))]
)
def test_files_read_back_as_they_were_written(given_rows):
    text = written(as_csv, given_rows).decode("utf-8-sig")
    header, *found = csv.reader(io.StringIO(text, newline=""))
    assert header == list(columns_of(Row)) == COLUMNS
    for line, row in zip(found, given_rows, strict=True):
        shown, count, day, kind, amount, spent = line
        assert shown.removeprefix("'") == (row.text or "").removeprefix("'")
        assert shown[:1] not in {"=", "+", "-", "@"}
        assert (int(count), dt.date.fromisoformat(day), kind) == (row.count, row.day, row.kind)
        assert (Decimal(amount), Decimal(spent)) == (row.amount, row.held.spent)
        assert amount.partition(".")[2].isdigit(), "two places, and no exponent"
    (_, *found), _ = pages(written(as_xlsx, given_rows))
    for line, row in zip(found, given_rows, strict=True):
        shown, count, day, kind, amount, spent = line
        # openpyxl hands out the escapes that the format asks for as they stand.
        assert (shown.value and unescape(shown.value)) == row.text
        assert shown.data_type in {"s", "n"}, "never a formula"
        assert (count.value, day.value.date(), kind.value) == (row.count, row.day, row.kind.fr)
        assert day.is_date
        for cell, exact in ((amount, row.amount), (spent, row.held.spent)):
            assert cell.data_type == "n"
            assert Decimal(str(cell.value)) == exact
            assert cell.number_format == "#,##0.00"


def test_what_is_too_long_for_a_sheet_goes_on_the_next(monkeypatch):
    monkeypatch.setattr(spreadsheet, "ROWS_OF_A_SHEET", 4)
    row = Row("a", 1, dt.date(2020, 1, 1), RouteKind.NONE_NEEDED, Decimal(1), Sums(Decimal(1)))
    data = written(as_xlsx, [row] * 7)
    first, second, third, _ = pages(data)
    assert [len(first), len(second), len(third)] == [4, 4, 2]
    assert [cell.value for cell in third[0]] == COLUMNS
    assert openpyxl.load_workbook(io.BytesIO(data)).sheetnames[:3] == [
        "Essai",
        "Essai (2)",
        "Essai (3)",
    ]


def test_a_workbook_loads_and_runs_nothing():
    row = Row(
        '=HYPERLINK("http://example.org")',
        1,
        dt.date(2020, 1, 1),
        RouteKind.NONE_NEEDED,
        Decimal(1),
        Sums(Decimal(1)),
    )
    with zipfile.ZipFile(io.BytesIO(written(as_xlsx, [row]))) as parts:
        assert b"<f>" not in parts.read("xl/worksheets/sheet1.xml")
        assert not [name for name in parts.namelist() if "external" in name or "vba" in name]


@pytest.mark.parametrize("write", [as_csv, as_xlsx])
def test_files_are_made_with_few_rows_in_memory(write):
    """As many rows again must not take as much memory again."""
    program = (
        "import datetime as dt, resource\n"
        "from decimal import Decimal\n"
        "from api.http.spreadsheet import Sheet, as_csv, as_xlsx\n"
        "from domain.kernel.values import Bilingual\n"
        "names = ['a', 'b']\n"
        "headings = {name: Bilingual(name, name) for name in names}\n"
        "sheet = Sheet(Bilingual('x', 'x'), names, headings, {})\n"
        "def peak(count):\n"
        "    rows = ((f'line {n}', Decimal(n)) for n in range(count))\n"
        f"    {write.__name__}(sheet, rows, 'fr').close()\n"
        "    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "first = peak(5_000)\n"
        "assert peak(50_000) - first < 4_000, (first, peak(50_000))\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
