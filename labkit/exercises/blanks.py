"""What a student gets of a solution, and what a reader sees of it: `# solution` marks in a cell tell them apart."""

import re

MARK = re.compile(r"\s*#\s*solution\s*$")
BEGIN = re.compile(r"\s*#\s*solution:\s*begin\s*$")
END = re.compile(r"\s*#\s*solution:\s*end\s*$")
ASSIGNED = re.compile(r"([A-Za-z_]\w*)\s*(?::[^=]*)?=(?!=)")


class BlankError(ValueError):
    """The marks of a solution do not pair up."""


def pieces(source: str) -> list[tuple[bool, list[str]]]:
    """The lines of a cell in runs: whether a run belongs to the solution, and its lines without the marks.

    Neighbouring lines that end in `# solution` are one run; what stands between `# solution: begin` and
    `# solution: end` is a run of its own.

    Raises BlankError for a begin without an end, and the other way round.
    """
    found: list[tuple[bool, list[str]]] = []
    block: list[str] | None = None
    after_line = False   # whether the last run is one of marked lines, which the next marked line continues
    for number, line in enumerate(source.splitlines(), start=1):
        if bool(BEGIN.match(line)) == (block is not None) and (BEGIN.match(line) or END.match(line)):
            raise BlankError(f"Line {number}, {line.strip()!r}, has no partner. Expected each `# solution: begin` to "
                             "be followed by its `# solution: end`.")
        if BEGIN.match(line):
            block = []
        elif END.match(line):
            found.append((True, block))
            block, after_line = None, False
        elif block is not None:
            block.append(MARK.sub("", line))
        elif MARK.search(line):
            if not after_line:
                found.append((True, []))
            found[-1][1].append(MARK.sub("", line))
            after_line = True
        else:
            found.append((False, [line]))
            after_line = False
    if block is not None:
        raise BlankError("A `# solution: begin` has no end. Expected a line `# solution: end` after it.")
    return found


def gap(lines: list[str]) -> str:
    """The one line that stands for a run of the solution, at the indentation of its first line."""
    first = next((line for line in lines if line.strip() and not line.lstrip().startswith("#")), lines[0])
    indent = lines[0][: len(lines[0]) - len(lines[0].lstrip())]
    if assigned := ASSIGNED.match(first.strip()):
        return f"{indent}{assigned[1]} = ..."
    return f"{indent}return ..." if re.match(r"return\b", first.strip()) else f"{indent}..."


def blank(source: str) -> str:
    """The cell as a student gets it: each run of the solution is one line with `...`.

    That line is `name = ...` where the run begins by assigning one plain name, `return ...` where it begins with a
    return, and `...` otherwise. Raises BlankError as `pieces`.
    """
    return "\n".join(line for marked, lines in pieces(source) for line in ([gap(lines)] if marked else lines))


def solved(source: str) -> str:
    """The cell as the book shows it: the whole solution, without the marks. Raises BlankError as `pieces`."""
    return "\n".join(line for _, lines in pieces(source) for line in lines)
