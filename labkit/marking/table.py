"""The table of marks: as text, as CSV and as a page."""

import csv
import html
import io
from typing import NamedTuple

from labkit.exercises.core import NOT_YET, Outcome, module_of


class Row(NamedTuple):
    """What is known of one notebook."""

    notebook: str                  # its path below the folder, with /
    outcomes: dict[str, Outcome]   # by exercise; one that was not checked is not there
    why: str                       # what went wrong; empty = nothing


def lines_of(rows: list[Row]) -> list[list[str]]:
    """The table as words, its heading first: a column for each exercise of these rows."""
    ids = sorted({id for row in rows for id in row.outcomes}, key=lambda id: (module_of(id), int(id.split(".")[1])))
    return [["notebook", *ids, "why"],
            *([row.notebook, *(row.outcomes[id].state if id in row.outcomes else "" for id in ids), row.why]
              for row in rows)]


def as_text(rows: list[Row]) -> str:
    """The table in columns of equal width."""
    table = lines_of(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join("  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip()
                     for line in table)


def as_csv(rows: list[Row]) -> str:
    """The table as CSV: no cell looks like a formula to a spreadsheet, and the first sign tells it the encoding."""
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(
        [f"'{word}" if word.lstrip().startswith(("=", "+", "-", "@")) else word for word in line]
        for line in lines_of(rows))
    return f"\ufeff{file.getvalue()}"


def as_html(rows: list[Row]) -> str:
    """The table as a page that needs nothing else, with what was found under each answer that is not yet right."""
    heading, *table = lines_of(rows)
    body = []
    for row, line in zip(rows, table, strict=True):
        cells = [f"<th scope='row'>{html.escape(line[0])}</th>"]
        for id, state in zip(heading[1:-1], line[1:-1], strict=True):
            more = f"<small>{html.escape(row.outcomes[id].message)}</small>" if state == NOT_YET else ""
            cells.append(f"<td class='{state.replace(' ', '-')}'>{state}{more}</td>")
        body.append(f"<tr>{''.join(cells)}<td>{html.escape(line[-1])}</td></tr>\n")
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Marks</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>
:root {{ color-scheme: light dark; }} body {{ font: 16px/1.4 sans-serif; margin: 2em; }}
table {{ border-collapse: collapse; }} small {{ display: block; max-width: 24em; }}
th, td {{ border: 1px solid #8888; padding: .3em .6em; text-align: left; vertical-align: top; }}
.correct {{ background: #2a72; }} .not-yet {{ background: #d922; }}
</style></head><body><h1>Marks</h1>
<table><thead><tr>{"".join(f"<th scope='col'>{html.escape(word)}</th>" for word in heading)}</tr></thead>
<tbody>
{"".join(body)}</tbody></table></body></html>
"""
