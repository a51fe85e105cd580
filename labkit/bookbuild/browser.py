"""Open the pages of the HTML book in a real browser, as a reader would, and say what is wrong with them.

What `check` reads in the files is not all: a script can fail, a picture can be no picture, a wide table can push the
page out of a narrow screen. The book must also read without a network, so a request to any other machine is a fault.
"""

import os
import re
import shutil
from pathlib import Path

from labkit.errors import LabError

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync"]
WIDE, NARROW = (1280, 900), (390, 844)   # pixels: a laptop, a telephone
LIMIT = 30_000                           # ms that a page may take to load

# Lazy pictures are asked for at once; one that cannot be decoded has the natural width 0.
BROKEN_PICTURES = """async () => {
    const broken = [];
    for (const image of document.images) {
        image.loading = "eager";
        try { await image.decode(); } catch { /* the width tells */ }
        if (!image.naturalWidth) broken.push(image.getAttribute("src"));
    }
    return broken;
}"""
# Players load nothing before the reader presses play; here each is asked for the length of its sound.
BROKEN_SOUNDS = """async () => {
    const broken = [];
    for (const audio of document.querySelectorAll("audio")) {
        const loaded = await new Promise(resolve => {
            audio.addEventListener("loadedmetadata", () => resolve(audio.duration > 0), { once: true });
            for (const one of [audio, ...audio.querySelectorAll("source")])
                one.addEventListener("error", () => resolve(false), { once: true });
            setTimeout(() => resolve(false), 10000);
            audio.preload = "metadata";
            audio.load();
        });
        if (!loaded) broken.push((audio.getAttribute("src") || "without a source").slice(0, 100));
    }
    return broken;
}"""
OVERFLOW = """() => {
    const page = document.documentElement, over = page.scrollWidth - page.clientWidth;
    if (over <= 1) return null;
    const hidden = element => {
        for (let one = element.parentElement; one && one !== page; one = one.parentElement)
            if (getComputedStyle(one).overflowX !== "visible") return true;
        return false;
    };
    const wide = [...document.body.querySelectorAll("*")].find(
        one => one.getBoundingClientRect().right > page.clientWidth + 1 && !hidden(one));
    return `${over} pixels` + (wide ? `, from <${wide.tagName.toLowerCase()} class="${wide.className}">` : "");
}"""


def find_chromium() -> str:
    """The browser: what `LAB_CHROMIUM` names, else the first of `NAMES` on the path.

    Raises LabError when there is none.
    """
    for name in (os.environ.get("LAB_CHROMIUM"), *NAMES):
        if name and (found := shutil.which(name)):
            return found
    raise LabError(f"No browser found. Expected one of {', '.join(NAMES)} on the path: install chromium, or name the "
                   "program in LAB_CHROMIUM.")


def look(html: Path, pages: list[str], out: Path | None = None) -> list[str]:
    """Open each page, light and dark, wide and narrow; returns the faults, each once, with page and screen.

    html: the folder of the HTML. pages: their names without ending, as in the table of contents.
    out: a folder for a picture of each page on each screen; None takes none.

    Raises LabError when there is no browser.
    """
    from playwright.sync_api import sync_playwright

    faults: dict[tuple[str, str], list[str]] = {}
    if out:
        out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        try:
            for size, screen in ((WIDE, "wide"), (NARROW, "narrow")):
                for scheme in ("light", "dark"):
                    viewport = {"width": size[0], "height": size[1]}
                    context = browser.new_context(viewport=viewport, color_scheme=scheme)
                    sounds = (screen, scheme) == ("wide", "light")  # they sound the same on each screen
                    for name in pages:
                        picture = out and out / f"{name.replace('/', '-')}-{screen}-{scheme}.png"
                        for fault in look_at(context, html / f"{name}.html", sounds, picture):
                            faults.setdefault((name, fault), []).append(f"{screen} {scheme}")
                    context.close()
        finally:
            browser.close()
    return [f"{name} ({', '.join(screens)}): {fault}" for (name, fault), screens in faults.items()]


def look_at(context, file: Path, sounds: bool, picture: Path | None) -> list[str]:
    """The faults of one page on one screen. context: a browser context; sounds: whether to load the players."""
    if not file.is_file():
        return ["there is no such page"]
    faults: list[str] = []
    page = context.new_page()
    # Answered here and not by a network, so that the result is the same on a machine that has one.
    page.route(re.compile(r"^https?://"), lambda route: route.abort())
    page.on("request", lambda request: None if request.url.startswith(("file:", "data:", "blob:", "about:"))
            else faults.append(f"asks another machine for {request.url}"))
    # A player stops its own first request when it has read enough.
    page.on("requestfailed", lambda request: faults.append(f"could not load {request.url.rsplit('/', 1)[-1]}")
            if request.url.startswith("file:") and request.resource_type != "media" else None)
    page.on("console", lambda message: faults.append(f"the console says: {message.text[:300]}")
            if message.type == "error" and not message.text.startswith("Failed to load resource") else None)
    page.on("pageerror", lambda error: faults.append(f"a script failed: {str(error)[:300]}"))
    try:
        page.goto(file.resolve().as_uri(), wait_until="load", timeout=LIMIT)
        faults += [f"the picture {source} cannot be shown" for source in page.evaluate(BROKEN_PICTURES)]
        if sounds:
            faults += [f"the sound {source} cannot be played" for source in page.evaluate(BROKEN_SOUNDS)]
        if page.viewport_size["width"] == NARROW[0] and (over := page.evaluate(OVERFLOW)):
            faults.append(f"wider than the screen by {over}")
        if picture:
            page.screenshot(path=picture, full_page=True)
    finally:
        page.close()
    return list(dict.fromkeys(faults))
