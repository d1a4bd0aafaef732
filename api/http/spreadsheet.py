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
from operator import attrgetter
from typing import Any, BinaryIO, Final, get_type_hints

from domain.kernel.values import Bilingual, ContractId, Language, Term

CSV: Final = "text/csv; charset=utf-8; header=present"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

ROWS_OF_A_SHEET: Final = 1 << 20
"""Excel's limit, the heading included. What is beyond goes on the next sheet."""

Cells = Sequence[Any]
"""The values of a row, in the order of the columns."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a file shows.

    columns: the names of the cells to show, in order; they are what CSV calls them.
    headings: what people call them.
    said: what people call what an id stands for, by column and id.
    notes: what to know about the file, on a sheet of its own.
    """

    title: Bilingual
    columns: Sequence[str]
    headings: Mapping[str, Bilingual]
    said: Mapping[str, Mapping[str, Bilingual]]
    notes: Sequence[tuple[Bilingual, str]] = ()


# --- Cells --------------------------------------------------------------------------------------


def columns_of(row: type) -> dict[str, str]:
    """The columns of rows of this type, and where in a row each is: `moved_spent`, `moved.spent`.

    A part's columns stand beside the row's own; those of a nested one, under its name.
    """
    found: dict[str, str] = {}
    hints = get_type_hints(row, localns={"ContractId": ContractId})
    for each in fields(row):
        if is_dataclass(inner := hints[each.name]):
            within = f"{each.name}_" if each.metadata.get("nested") else ""
            for name, path in columns_of(inner).items():  # type: ignore[arg-type]
                found[f"{within}{name}"] = f"{each.name}.{path}"
        else:
            found[each.name] = each.name
    return found


def cells(row: type, columns: Sequence[str]) -> Callable[[Any], Cells]:
    """What reads the values of some columns, two or more, off a row of this type."""
    paths = columns_of(row)
    return attrgetter(*(paths[name] for name in columns))


def harmless(cell: str) -> str:
    """A cell of CSV that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell[:1] in {"=", "+", "-", "@", "\t", "\r"} else cell


def _written(value: Any) -> str:
    """A value in CSV."""
    if value is None:
        return ""
    if isinstance(value, str):
        return harmless(str(value))
    return f"{value:.2f}" if isinstance(value, Decimal) else str(value)


# --- Files --------------------------------------------------------------------------------------


def as_csv(sheet: Sheet, rows: Iterable[Cells], language: Language) -> BinaryIO:
    """The file as CSV (RFC 4180, UTF-8), the same in both languages."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - whoever sends it closes it
    text = io.TextIOWrapper(file, "utf-8", newline="", write_through=True)
    # Excel takes a file without the mark for one in its country's old encoding.
    text.write("\N{ZERO WIDTH NO-BREAK SPACE}")
    lines = csv.writer(text, lineterminator="\r\n")
    lines.writerow(sheet.columns)
    lines.writerows(map(_written, row) for row in rows)
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
        self.said = {
            place: sheet.said[column]
            for place, column in enumerate(sheet.columns)
            if column in sheet.said
        }
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
        for place, value in enumerate(row):
            self._cell(place, value)
        self.row += 1

    def _cell(self, place: int, value: Any) -> None:
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
                self.page.write_string(self.row, place, self._said(place, value))

    def _said(self, place: int, value: str) -> str:
        if isinstance(value, Term):
            return value.label.to(self.language)
        name = self.said[place].get(value) if place in self.said else None
        return value if name is None else name.to(self.language)

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
