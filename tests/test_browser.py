"""The book in a real browser: what `python -m labkit look` says of good pages and of broken ones.

The mini book is looked at here. The real one is looked at after it is built, by that command.
"""

import os
import re

import pytest
from mini import copy_good, good_build

from labkit import cli
from labkit.bookbuild import browser
from labkit.bookbuild.browser import find_chromium, look
from labkit.errors import LabError


def test_the_browser_is_found_by_variable_then_by_name(monkeypatch, tmp_path):
    for name in ("my-browser", "google-chrome"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("LAB_CHROMIUM", raising=False)
    assert find_chromium() == str(tmp_path / "google-chrome")
    monkeypatch.setenv("LAB_CHROMIUM", str(tmp_path / "my-browser"))
    assert find_chromium() == str(tmp_path / "my-browser")
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("LAB_CHROMIUM")
    with pytest.raises(LabError, match=r"No browser found.*install chromium, or name the program in LAB_CHROMIUM"):
        find_chromium()


def test_without_a_book_there_is_nothing_to_look_at(monkeypatch, tmp_path, capsys):
    for name in ("_toc.yml", "_config.yml"):
        (tmp_path / name).write_text("root: index\n")
    monkeypatch.setattr(cli, "ROOT", tmp_path)
    assert cli.main(["look"]) == 1
    assert "There is no book to look at. Run: python -m labkit book" in capsys.readouterr().err


@pytest.mark.parametrize("faults, code", [([], 0), (["index (wide light): x"], 1)])
def test_the_command_exits_with_1_on_a_fault(monkeypatch, tmp_path, capsys, faults, code):
    for name in ("_toc.yml", "_config.yml"):
        (tmp_path / name).write_text("root: index\n")
    (tmp_path / "_build" / "html").mkdir(parents=True)
    seen = []
    monkeypatch.setattr(cli, "ROOT", tmp_path)
    monkeypatch.setattr(browser, "look", lambda html, pages, out: seen.append((html, pages, out)) or faults)
    assert cli.main(["look", "--out", str(tmp_path / "out")]) == code
    assert seen == [(tmp_path / "_build" / "html", ["index"], tmp_path / "out")]
    assert ("- index (wide light): x" if faults else "nothing is wrong") in capsys.readouterr().out


slow = pytest.mark.slow


@pytest.fixture
def chromium():
    """The browser; without one the test fails in CI and is left out elsewhere."""
    try:
        return find_chromium()
    except LabError as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(str(error))


@slow
def test_the_good_book_has_no_fault(chromium, tmp_path_factory, tmp_path):
    project = good_build(tmp_path_factory)
    assert look(project.html, project.pages(), tmp_path / "out") == []
    pictures = sorted((tmp_path / "out").iterdir())
    assert len(pictures) == 4 * len(project.pages())
    assert tmp_path / "out" / "notebooks-a_first-narrow-dark.png" in pictures
    assert all(path.stat().st_size > 5000 for path in pictures)


BROKEN = {
    "a script that fails": ("<script>nothing.of_the_kind()</script>", "a script failed: nothing is not defined"),
    "a complaint in the console": ("<script>console.error('on purpose')</script>", "the console says: on purpose"),
    "a missing file": ('<link rel="stylesheet" href="none.css">', r"could not load none\.css"),
    "another machine": ('<script src="https://example.org/x.js"></script>',
                        r"asks another machine for https://example\.org/x\.js"),
    "no picture": ('<img src="../objects.inv" alt="x" loading="lazy">', r"the picture \.\./objects\.inv cannot be"),
    "no sound": ('<audio preload="none" src="../objects.inv"></audio>', r"the sound \.\./objects\.inv cannot be"),
    "too wide": ('<div class="broad" style="width: 700px">x</div>', r'wider than the screen by \d+ pixels'),
}


@slow
def test_each_fault_is_named_with_its_page(chromium, tmp_path_factory, tmp_path):
    project = copy_good(tmp_path_factory, tmp_path)
    good = (project.html / "book" / "glossary.html").read_text()
    pages = []
    for number, (body, _) in enumerate(BROKEN.values()):
        pages.append(f"book/broken{number}")
        (project.html / f"{pages[-1]}.html").write_text(good.replace("</article>", f"{body}</article>", 1))
    found = look(project.html, [*pages, "book/absent"])
    for page, (what, (_, message)) in zip(pages, BROKEN.items(), strict=True):
        ours = [line for line in found if line.startswith(f"{page} (")]
        assert len(ours) == 1 and re.search(message, ours[0]), f"{what}: {ours}"
        expected = {"no sound": "(wide light)", "too wide": "(narrow light, narrow dark)"}.get(
            what, "(wide light, wide dark, narrow light, narrow dark)")
        assert expected in ours[0]
    assert [line for line in found if line.startswith("book/absent")] == [
        "book/absent (wide light, wide dark, narrow light, narrow dark): there is no such page"]
