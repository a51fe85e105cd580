"""A Sphinx extension for pages that read without a network: formulas as MathML, no script for code on a server.

Jupyter Book's own way loads a script from a server for each formula; MathML is drawn by the browser itself, so that
the book reads the same without a network, and a screen reader can speak the formula.
"""

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx


def visit_math(translator, node: nodes.math) -> None:
    """A formula in a line of text."""
    translator.body.append(convert(node.astext()))
    raise nodes.SkipNode


def visit_math_block(translator, node: nodes.math_block) -> None:
    """A formula on a line of its own."""
    translator.body.append(f'<div class="math-display">{convert(node.astext(), display="block")}</div>\n')
    raise nodes.SkipNode


def quieten(app: Sphinx, page: str, template: str, context: dict, doctree) -> None:
    """Leave out what makes each page complain in the browser's console.

    Jupyter Book always loads Thebe, which runs cells on a server, and writes its constants twice, which is an error in
    JavaScript. The theme expects a colour mode and finds an empty one.
    """
    def of_thebe(script) -> bool:
        return "thebe" in f"{getattr(script, 'filename', script)} {getattr(script, 'attributes', {}).get('body', '')}"

    context["script_files"] = [script for script in context.get("script_files", []) if not of_thebe(script)]
    context["default_mode"] = context.get("default_mode") or "auto"


def setup(app: Sphinx) -> dict[str, bool]:
    """What Sphinx calls: the renderer gets the name that _config.yml asks for."""
    app.connect("html-page-context", quieten, priority=900)
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
