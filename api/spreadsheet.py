"""Rows as a file: CSV for programs, XLSX for people.

A file is made whole before any of it is sent, on disk: one that was cut short would look like a
whole one to whoever opens it. However many rows there are, few are in memory.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from decimal import Decimal
from typing import Any, BinaryIO, Final, get_type_hints

from domain.values import Bilingual, ContractId, Language, Term

CSV: Final = "text/csv; charset=utf-8; header=present"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

ROWS_OF_A_SHEET: Final = 1 << 20
"""Excel's limit, the heading included. What is beyond goes on the next sheet."""

Cells = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a file shows.

    columns: the names of the cells to show, in order; they are what CSV calls them.
    headings: what people call them.
    said: of an id, what people call what it stands for, by column.
    notes: what to know about the file, on a sheet of its own.
    """

    title: Bilingual
    columns: Sequence[str]
    headings: Mapping[str, Bilingual]
    said: Mapping[str, Callable[[Any], Bilingual | None]]
    notes: Sequence[tuple[Bilingual, str]] = ()


# --- Cells --------------------------------------------------------------------------------------


def cells(row: Any) -> dict[str, Any]:
    """The values of a row by column, its parts' beside its own; `moved_spent` of nested ones."""
    found: dict[str, Any] = {}
    for each in fields(row):
        value = getattr(row, each.name)
        if is_dataclass(value):
            within = f"{each.name}_" if each.metadata.get("nested") else ""
            found.update({f"{within}{name}": cell for name, cell in cells(value).items()})
        else:
            found[each.name] = value
    return found


def columns_of(row: type) -> list[str]:
    """The columns that `cells` finds in every row of this type."""
    names: list[str] = []
    hints = get_type_hints(row, localns={"ContractId": ContractId})
    for each in fields(row):
        if is_dataclass(inner := hints[each.name]):
            within = f"{each.name}_" if each.metadata.get("nested") else ""
            names += [f"{within}{name}" for name in columns_of(inner)]  # type: ignore[arg-type]
        else:
            names.append(each.name)
    return names


def harmless(cell: str) -> str:
    """A cell of CSV that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell[:1] in {"=", "+", "-", "@", "\t", "\r"} else cell


def _written(value: Any) -> str:
    """A value in CSV."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    if isinstance(value, dt.date):
        return value.isoformat()
    return harmless(str(value)) if isinstance(value, str) else str(value)


# --- Files --------------------------------------------------------------------------------------


def as_csv(sheet: Sheet, rows: Iterable[Cells], language: Language) -> BinaryIO:
    """The file as CSV (RFC 4180, UTF-8), the same in both languages."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - whoever sends it closes it
    text = io.TextIOWrapper(file, "utf-8", newline="", write_through=True)
    # Excel takes a file without the mark for one in its country's old encoding.
    text.write("\N{ZERO WIDTH NO-BREAK SPACE}")
    lines = csv.writer(text, lineterminator="\r\n")
    lines.writerow(sheet.columns)
    lines.writerows([_written(row[name]) for name in sheet.columns] for row in rows)
    text.flush()
    text.detach()
    file.seek(0)
    return file


def as_xlsx(sheet: Sheet, rows: Iterable[Cells], language: Language) -> BinaryIO:
    """The file as XLSX: numbers as numbers, days as days, words in the reader's language."""
    import xlsxwriter  # noqa: PLC0415 - of all that is served, only this needs it

    file = tempfile.TemporaryFile()  # noqa: SIM115 - whoever sends it closes it
    with xlsxwriter.Workbook(file, {"constant_memory": True}) as workbook:
        workbook.set_properties({"title": sheet.title.to(language)})
        writing = _Writing(workbook, sheet, language)
        for row in rows:
            writing.write(row)
        writing.finish()
    file.seek(0)
    return file


class _Writing:
    """An XLSX file being written, row after row."""

    def __init__(self, workbook: Any, sheet: Sheet, language: Language) -> None:
        self.workbook, self.sheet, self.language = workbook, sheet, language
        self.heading = workbook.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        self.francs = workbook.add_format({"num_format": "#,##0.00"})
        self.day = workbook.add_format({"num_format": "dd.mm.yyyy"})
        self.sheets = 0
        self.row = 0
        self._begin()

    def _begin(self) -> None:
        self.sheets += 1
        title = self.sheet.title.to(self.language)
        name = title if self.sheets == 1 else f"{title} ({self.sheets})"
        self.page = self.workbook.add_worksheet(name)
        self.page.freeze_panes(1, 0)
        for place, column in enumerate(self.sheet.columns):
            heading = self.sheet.headings[column].to(self.language)
            self.page.set_column(place, place, 36 if column in _WIDE else 16)
            self.page.write_string(0, place, heading, self.heading)
        self.row = 1

    def write(self, row: Cells) -> None:
        if self.row == ROWS_OF_A_SHEET:
            self._filter()
            self._begin()
        for place, column in enumerate(self.sheet.columns):
            self._cell(place, column, row[column])
        self.row += 1

    def _cell(self, place: int, column: str, value: Any) -> None:
        match value:
            case None:
                return
            case Decimal():
                self.page.write_number(self.row, place, value, self.francs)
            case int():
                self.page.write_number(self.row, place, value)
            case dt.date():
                self.page.write_datetime(self.row, place, value, self.day)
            case _:
                # A string is never a formula, a number or a link, whatever it begins with.
                self.page.write_string(self.row, place, self._said(column, value))

    def _said(self, column: str, value: Any) -> str:
        if isinstance(value, Term):
            return value.label.to(self.language)
        name = self.sheet.said[column](value) if column in self.sheet.said else None
        return str(value) if name is None else name.to(self.language)

    def _filter(self) -> None:
        self.page.autofilter(0, 0, self.row - 1, len(self.sheet.columns) - 1)

    def finish(self) -> None:
        self._filter()
        page = self.workbook.add_worksheet(_NOTES.to(self.language))
        page.set_column(0, 0, 24)
        page.set_column(1, 1, 100)
        for row, (name, note) in enumerate(self.sheet.notes):
            page.write_string(row, 0, name.to(self.language), self.heading)
            page.write_string(row, 1, note)


_NOTES: Final = Bilingual("À propos", "About")
_WIDE: Final = frozenset({"title", "service"})
