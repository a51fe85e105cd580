"""What is looked at before new HTML takes the place of the old: pages, outputs, pictures, links, sizes."""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup

from labkit.bookbuild.execute import Record
from labkit.bookbuild.graph import Project
from labkit.bookbuild.outputs import LEAST_ALT
from labkit.errors import LabError

# Folders that exist on one machine only. `/path/to/...`, as instructions write it, is not among them.
ABSOLUTE = re.compile(r"(?<![\w.:/~])(/(?:home|Users|root|tmp|private|var|mnt|media|workspace|content|data|srv|opt"
                      r"|Volumes|builds)/[\w.@-]+[^\s\"'<>]*"
                      r"|[A-Za-z]:\\\\?[\w.@-]+\\[^\s\"'<>]*)")
TABLE_RULE = re.compile(r"\|\s*:?(-{2,}|[—–])")   # typography makes one dash of three
FILE_NAME_ALT = re.compile(r"^[\w./-]+\.(png|svg|jpe?g|gif)$|^[0-9a-f]{16,}$|_images/", re.IGNORECASE)


class CheckError(LabError):
    """The HTML has faults; the message lists them, each with its page."""


@dataclass(frozen=True)
class Budget:
    """What one lesson, or any other page, may take at most."""

    seconds: float
    peak_mib: float
    page_kib: float


def read_budgets(profile: str, file: Path) -> dict[str, Budget]:
    """The budgets of a profile by lesson; the entry "page" is for prose pages, "lesson" for a lesson without its own.

    Raises CheckError for a profile without budgets.
    """
    table = tomllib.loads(file.read_text(encoding="utf-8"))
    if profile not in table:
        raise CheckError(f"{file.name} has no budgets for the profile {profile!r}. Add a table [{profile}.lesson].")
    if missing := {"lesson", "page"} - set(table[profile]):
        raise CheckError(f"{file.name} has no entry {sorted(missing)[0]!r} in the table [{profile}]. Add it.")
    return {name: Budget(**values) for name, values in table[profile].items()}


def page_bytes(page: Path, soup: BeautifulSoup) -> int:
    """The bytes of a page and of the pictures that it shows; sound, which is loaded on demand, is not counted."""
    total = page.stat().st_size
    for source in {tag["src"] for tag in soup.select("article img[src], main img[src]")}:
        file = local_target(page, source)
        if file is not None and file.is_file():
            total += file.stat().st_size
    return total


def local_target(page: Path, address: str) -> Path | None:
    """The file that an address on `page` means; None when the address leads elsewhere."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc or address.startswith("data:"):
        return None
    return page if not parts.path else (page.parent / unquote(parts.path)).resolve()


def text_faults(article: BeautifulSoup, root: Path) -> Iterable[str]:
    """Tracebacks, error outputs, raw tables and paths of one machine in what a reader sees."""
    text = article.get_text("\n")
    if "Traceback (most recent call last)" in text or article.select(".output.traceback"):
        yield "a traceback"
    if article.select(".output.stderr"):
        yield "error output: " + article.select_one(".output.stderr").get_text()[:120].strip()
    if article.select(".problematic, .system-message"):
        yield "markup that was not understood: " + article.select_one(".problematic, .system-message").get_text()[:120]
    if raw := next((tag for tag in article.select("p, li") if TABLE_RULE.search(tag.get_text())), None):
        yield f"a table that was not made into one: {raw.get_text()[:120].strip()}"
    for found in dict.fromkeys(match.group(0) for match in ABSOLUTE.finditer(text)):
        yield f"an absolute path: {found}"
    if re.search(rf"(?<![\w./-]){re.escape(str(root))}(?![\w-])", text):
        yield "the path of this checkout"


def picture_faults(article: BeautifulSoup) -> Iterable[str]:
    """Pictures without words for who cannot see them."""
    for image in article.select("img"):
        alt = (image.get("alt") or "").strip()
        if len(alt) < LEAST_ALT or FILE_NAME_ALT.search(alt):
            yield f"the picture {image.get('src')} has the alternative text {alt!r}; expected what is seen, in words"


def link_faults(page: Path, soup: BeautifulSoup, anchors: dict[Path, set[str]], top: Path) -> Iterable[str]:
    """Links, pictures, sounds, scripts and styles that lead nowhere inside the book."""
    for tag, attribute in (("a", "href"), ("img", "src"), ("audio", "src"), ("source", "src"), ("script", "src"),
                           ("link", "href")):
        for element in soup.find_all(tag, **{attribute: True}):
            address = element[attribute]
            if re.match(r"file:|https?://(localhost|127\.|0\.0\.0\.0)", address):
                yield f"{tag} {attribute}={address}: leads to one machine only"
                continue
            target = local_target(page, address)
            if target is None:
                continue
            if not target.is_relative_to(top.resolve()) or not target.is_file():
                yield f"{tag} {attribute}={address}: there is no such file"
                continue
            fragment = unquote(urlsplit(address).fragment)
            if tag == "a" and fragment and target.suffix == ".html" and fragment not in anchors.get(target, set()):
                yield f"a href={address}: {target.name} has no place called {fragment!r}"


def check_html(project: Project, html: Path, records: dict[str, Record], profile: str) -> list[str]:
    """Look at every page; returns the lines of the budget table.

    Raises CheckError with all faults found, each with its page.
    """
    faults: list[str] = []
    soups: dict[Path, BeautifulSoup] = {}
    for page in sorted(html.rglob("*.html")):
        if "_static" not in page.parts:
            soups[page.resolve()] = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    anchors = {page: {tag["id"] for tag in soup.find_all(id=True)} for page, soup in soups.items()}
    budgets = read_budgets(profile, project.root / "book" / "budgets.toml")
    rows = []
    for name in project.pages():
        page = (html / f"{name}.html").resolve()
        if page not in soups:
            faults.append(f"{name}: in the table of contents, but there is no page")
            continue
        article = soups[page].select_one("article") or soups[page]
        short = name.split("/")[-1]
        record = records.get(short)
        budget = budgets.get(short, budgets["lesson" if record else "page"])
        size = page_bytes(page, soups[page]) / 1024
        rows.append((short, record, size, budget))
        for fault in (*text_faults(article, project.root), *picture_faults(article)):
            faults.append(f"{name}: {fault}")
    for page, soup in soups.items():
        for fault in dict.fromkeys(link_faults(page, soup, anchors, html)):
            faults.append(f"{page.relative_to(html.resolve()).with_suffix('')}: {fault}")
    table, exceeded = budget_table(rows)
    if faults or exceeded:
        raise CheckError("\n".join([*table, "", "The HTML was not taken over:", *(f"- {one}" for one in
                                                                                    [*faults, *exceeded])]))
    return table


def budget_table(rows: list[tuple[str, Record | None, float, Budget]]) -> tuple[list[str], list[str]]:
    """The budget table as lines of text, and a sentence for each figure above its budget."""
    lines = [f"{'page':<22}{'seconds':>16}{'memory MiB':>16}{'page KiB':>16}"]
    exceeded = []
    for name, record, size, budget in rows:
        figures = [("seconds", record and record.seconds, budget.seconds),
                   ("MiB of memory", record and record.peak_mib, budget.peak_mib),
                   ("KiB of page", size, budget.page_kib)]
        cells = []
        for what, value, limit in figures:
            cells.append("" if value is None else f"{value:.0f} of {limit:.0f}")
            again = "" if what == "KiB of page" else f"; to measure anew, remove _build/executed/{name}-*"
            if value is not None and value > limit:
                exceeded.append(f"{name}: {value:.0f} {what}, the budget is {limit:.0f}; make it smaller, or raise the "
                                "budget in book/budgets.toml and say why" + again)
        lines.append(f"{name:<22}{cells[0]:>16}{cells[1]:>16}{cells[2]:>16}")
    return lines, exceeded
