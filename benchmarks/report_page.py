"""What `report.html` of a large recording costs: `python benchmarks/report_page.py [REQUESTS] [DIR]`.

Makes up the recording of `judging.py`, at least 60,000 requests, and runs over it in turn `relayload report --rebuild`
and the same with `--html`, then `relayload report` and the same with `--html`: first with the page of the run in its
directory, then without, so that the records have to be folded. Then Chromium, if there is one, opens the page from
disk. On a busy machine the ratio of CPU seconds tells more than the wall clock.
"""

import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from judging import Cost, measure, write

ROUNDS = 3
FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"


def compare(name: str, directory: Path, page: Path, *options: str) -> None:
    """Run `relayload report` without and with a page in turn, and print what the page adds."""
    plain, with_page = [], []
    for _ in range(ROUNDS):
        plain.append(measure("report", str(directory), *options))
        with_page.append(measure("report", str(directory), *options, "--html", str(page)))
    beyond(name, plain, with_page)


def beyond(name: str, without: list[Cost], with_page: list[Cost]) -> None:
    """Print the median of what the page adds, by rounds."""
    walls = [page.wall_s - plain.wall_s for page, plain in zip(with_page, without, strict=True)]
    cpus = [page.cpu_s - plain.cpu_s for page, plain in zip(with_page, without, strict=True)]
    ratio = statistics.median(page.cpu_s / plain.cpu_s for page, plain in zip(with_page, without, strict=True))
    print(
        f"the page adds to {name}: {statistics.median(walls):.1f} s ({min(walls):.1f} to {max(walls):.1f}), CPU "
        f"{statistics.median(cpus):.1f} s ({min(cpus):.1f} to {max(cpus):.1f}), {ratio:.2f} times its CPU in all"
    )


def first_paints_ms(page: Path) -> list[float]:
    """Return when each of some fresh browsers first painted something, after it began to load the page."""
    from playwright.sync_api import sync_playwright

    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        return []
    found = []
    with sync_playwright() as playwright:
        for _ in range(ROUNDS):
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
            opened = browser.new_page()
            opened.goto(page.as_uri())
            opened.wait_for_function("performance.getEntriesByName('first-contentful-paint').length")
            found.append(float(opened.evaluate(FIRST_PAINT)))
            browser.close()
    return found


def main() -> None:
    requests = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else None) as parent:
        directory, page = Path(parent) / "run", Path(parent) / "page.html"
        write(directory, requests)
        print(f"{requests:,} requests, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs")
        kept = directory / "report.html"
        kept.touch()
        measure("report", str(directory), "--rebuild")  # leaves summary.json
        measure("gate", str(directory))  # leaves verdict.json, and the page of it in place of the empty one
        compare("report --rebuild", directory, page, "--rebuild")
        compare("report", directory, page)
        kept.unlink()
        compare("report without that page", directory, page)
        print(f"the page has {page.stat().st_size / 1e3:.0f} kB")
        paints = ", ".join(f"{paint:.0f}" for paint in first_paints_ms(page))
        print(f"first contentful paint from disk after {paints or 'an unknown number of'} ms")


if __name__ == "__main__":
    main()
