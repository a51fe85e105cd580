"""What an executed cell may put on a page: no error stream, and one figure at most, with words for it."""

import nbformat

from labkit.errors import LabError

LEAST_ALT = 25  # characters; a shorter text does not say what is seen


class OutputError(LabError):
    """An output that a page must not show; the message says why."""


def without_injected(cells: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """The cells as the reader counts them, without the cell of parameters that papermill adds."""
    return [cell for cell in cells if "injected-parameters" not in cell.metadata.get("tags", [])]


def alternative_text(cell: nbformat.NotebookNode) -> str | None:
    """The alternative text of a code cell's figure; None when it shows no figure.

    A figure brings it along (`plots.show`), or the cell has it in its metadata, `mystnb.image.alt`.

    Raises OutputError for anything on the error stream, an error output, a second figure, a missing or too short text.
    """
    alts = []
    for output in cell.outputs:
        if output.output_type == "stream" and output.name == "stderr":
            raise OutputError(f"printed to the error stream, which a page must not show:\n{output.text}")
        if output.output_type == "error":
            raise OutputError(f"holds an error output: {output.ename}: {output.evalue}")
        if any(kind.startswith("image/") for kind in output.get("data", {})):
            alts.append(output.metadata.get("alt", ""))
    if not alts:
        return None
    if len(alts) > 1:
        raise OutputError(f"shows {len(alts)} figures. Expected one a cell, because the alternative text of a figure "
                          "belongs to its cell: split the cell.")
    alt = alts[0] or cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
    if len(alt) < LEAST_ALT:
        raise OutputError(f"shows a figure with the alternative text {alt!r}. Expected a sentence that says what is "
                          "seen: plots.show(figure, alt=\"...\").")
    return alt.replace("\n", " ")
