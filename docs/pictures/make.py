"""Makes the pictures of README and docs: `python docs/pictures/make.py [NAME...]`, without a name all of them.

Real runs against the fake relay, with fixed seeds, whose pages Chromium draws in light and dark colours. Takes some ten
minutes; what is measured differs a little each time. Needs Chromium (or CHROMIUM=PATH) and `pip install -e '.[test]'`.
"""

import io
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple
from urllib.request import urlopen

from rich.console import Console
from rich.terminal_theme import DEFAULT_TERMINAL_THEME, MONOKAI
from rich.text import Text

from relayload.recording import progress
from relayload.report.live_rates import TotalsLately
from relayload.report.live_screen import screen_lines

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FOLDER = Path(__file__).parent
SCHEMES = ("light", "dark")
MOST_BYTES = 200_000
RUNS = 6
DIRECT, RELAY = "direct", "o-series"
"""The presets of the fake relay that are compared."""
SAID, LOOKS_AT_S = "page of the run at ", 34.0
COLUMNS, THEMES = 96, (DEFAULT_TERMINAL_THEME, MONOKAI)
TERMINAL = """
pre { display: inline-block; margin: 0; padding: 1rem; line-height: 1.35; }
.light { background: #fff; } .dark { background: #0c0c0c; color: #d9d9d9; display: none; }
@media (prefers-color-scheme: dark) { .light { display: none; } .dark { display: block; } }
"""


class Picture(NamedTuple):
    """A picture: what makes its page, and what of the page it shows."""

    page: Callable[["Maker"], Path]
    selector: str | None = None
    """The part of the page; None for its upper end, of the height of a screen."""
    width: int = 1100
    height: int = 900
    folded: bool = False
    """Charts that are unfolded are folded away."""


class Maker:
    """Makes pages by the command line, each once, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.run = cache(self._run)
        self.going_on = cache(self._going_on)
        self.set = cache(self._set)

    def relayload(self, *arguments: object) -> None:
        """Run a command, whose exit code is a verdict on the fake relay and nothing else."""
        command = [sys.executable, "-m", "relayload", *map(str, arguments)]
        ended = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        if ended.returncode not in (0, 3, 4):
            raise SystemExit(f"{' '.join(command)} ended with {ended.returncode}:\n{ended.stderr}")

    def _run(self) -> Path:
        self.relayload("run", FOLDER / "run.yaml", "--out", "run")
        return self.folder / "run" / "report.html"

    def _going_on(self) -> Path:
        """Return a folder with what the page and the terminal showed of a run that went on."""
        folder = self.folder / "going-on"
        command = [sys.executable, "-m", "relayload", "run", str(FOLDER / "run.yaml"), "--web", "--out", str(folder)]
        with subprocess.Popen(
            command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as run:
            assert run.stderr is not None, "is a pipe"
            url = next(line for line in run.stderr if line.startswith(SAID)).removeprefix(SAID).strip()
            lately, latest = TotalsLately(), None
            while latest is None or latest.elapsed_s < LOOKS_AT_S:
                time.sleep(0.5)
                latest = progress.read(folder)
                rates = None if latest is None else lately.rates(latest)
            assert rates is not None, "there is some progress"
            (folder / "page.html").write_bytes(urlopen(url).read())
            (folder / "terminal.html").write_text(terminal(screen_lines("outage-drill", latest, rates, COLUMNS)))
            run.stderr.read()
        return folder

    def _set(self, preset: str) -> Path:
        """Run six times against a relay; return the directory."""
        sets = ("--set", f"target.base_url=fake://{preset}", "--repeat", RUNS, "--out", preset)
        self.relayload("run", FOLDER / "compared.yaml", *sets)
        return self.folder / preset

    def comparison(self) -> Path:
        self.relayload("compare", self.set(DIRECT), self.set(RELAY), "--html", "comparison.html")
        return self.folder / "comparison.html"

    def runs(self) -> Path:
        self.relayload("report", *sorted(self.set(RELAY).glob("run-*")), "--html", "runs.html")
        return self.folder / "runs.html"

    def capacity(self) -> Path:
        lengths = ("--start", "16/s", "--max", "64/s", "--precision", "25%", "--confirm", "60s", "--max-load", "6m")
        self.relayload("capacity", "capacity-chat", *lengths, "--out", "found")
        return self.folder / "found" / "capacity.html"


PICTURES: Mapping[str, Picture] = MappingProxyType(
    {
        "report": Picture(lambda maker: maker.run(), width=1280, folded=True),
        "report-load": Picture(lambda maker: maker.run(), "#load .charts"),
        "report-latency": Picture(lambda maker: maker.run(), "#latency .charts"),
        "report-errors": Picture(lambda maker: maker.run(), "#errors .charts"),
        "comparison": Picture(Maker.comparison, width=1280, height=620),
        "runs": Picture(Maker.runs, "#objectives"),
        "capacity": Picture(Maker.capacity, height=1000),
        "live": Picture(lambda maker: maker.going_on() / "page.html", width=1280, height=1000),
        "terminal": Picture(lambda maker: maker.going_on() / "terminal.html", "pre:visible"),
    }
)


def terminal(lines: Iterable[Text]) -> str:
    """Return lines as a terminal shows them, as HTML in both colour schemes."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    for line in lines:
        console.print(line, highlight=False)
    shown = [console.export_html(theme=theme, clear=False, inline_styles=True) for theme in THEMES]
    screens = [html[html.index("<pre") : html.index("</body>")] for html in shown]
    return f"<meta charset=utf-8><style>{TERMINAL}</style>" + "".join(
        f"<div class={scheme}>{screen}</div>" for scheme, screen in zip(SCHEMES, screens, strict=True)
    )


def files() -> Iterator[str]:
    """Yield the names of the files of all pictures."""
    yield from (file_of(name, scheme) for name in PICTURES for scheme in SCHEMES)


def file_of(name: str, scheme: str) -> str:
    return f"{name}-{scheme}.png"


def draw(browser: "Browser", page: Path, name: str, scheme: str) -> None:
    """Write one picture."""
    picture = PICTURES[name]
    context = browser.new_context(
        viewport={"width": picture.width, "height": picture.height},
        color_scheme=scheme,  # type: ignore[arg-type] # it is one of SCHEMES
        offline=True,
    )
    opened = context.new_page()
    opened.goto(page.as_uri())
    if picture.folded:
        opened.evaluate("for (const one of document.querySelectorAll('details')) one.open = false")
    path = FOLDER / file_of(name, scheme)
    drawn = opened.locator(picture.selector).first.screenshot() if picture.selector else opened.screenshot()
    path.write_bytes(smaller(drawn))
    context.close()
    if path.stat().st_size > MOST_BYTES:
        raise SystemExit(f"{path}: {path.stat().st_size:,} bytes are too many: show less of the page")
    print(f"{path.name}: {path.stat().st_size:,} bytes")


def smaller(png: bytes) -> bytes:
    """Return a PNG whose image data are compressed as far as zlib can."""
    chunks, at = [], 8
    while at < len(png):
        length = int.from_bytes(png[at : at + 4])
        chunks.append((png[at + 4 : at + 8], png[at + 8 : at + 8 + length]))
        at += 12 + length
    data = zlib.compress(zlib.decompress(b"".join(body for kind, body in chunks if kind == b"IDAT")), 9)
    kept = [(b"IHDR", chunks[0][1]), (b"IDAT", data), (b"IEND", b"")]
    return png[:8] + b"".join(
        len(body).to_bytes(4) + kind + body + zlib.crc32(kind + body).to_bytes(4) for kind, body in kept
    )


def main() -> None:
    names = sys.argv[1:] or list(PICTURES)
    if unknown := set(names) - set(PICTURES):
        raise SystemExit(f"no picture: {', '.join(sorted(unknown))}; there are {', '.join(PICTURES)}")
    from playwright.sync_api import sync_playwright

    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        maker = Maker(Path(folder))
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for name in names:
            page = PICTURES[name].page(maker)
            for scheme in SCHEMES:
                draw(browser, page, name, scheme)
        browser.close()


if __name__ == "__main__":
    main()
