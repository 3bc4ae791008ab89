"""What a type checker says to users of the package, whose scripts lie beside this file and in the docs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from support import PATIENCE_S, ROOT

SCRIPTS = sorted(path for path in Path(__file__).parent.glob("*.py") if path != Path(__file__))
PAGES = {path: path.read_text(encoding="utf-8") for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]}
EXAMPLES = [
    (f"{path.stem}_{number}.py", example)
    for path, text in PAGES.items()
    if path.stem in ("api", "client", "fake-relay")
    for number, example in enumerate(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
]


def test_a_strict_type_checker_takes_what_is_right_and_finds_what_is_wrong(
    tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    for name, example in EXAMPLES:
        (tmp_path / name).write_text(example)
    expected = {
        (script.name, number, code)
        for script in SCRIPTS
        for number, line in enumerate(script.read_text().splitlines(), 1)
        for code in re.findall(r"# error: ([\w-]+)$", line)
    }
    assert strict_errors([*SCRIPTS, *tmp_path.glob("*.py")], pytestconfig.cache.mkdir("mypy")) == expected


def strict_errors(scripts: list[Path], cache: Path) -> set[tuple[str, int, str]]:
    """File, line and code of each, with no configuration but `--strict`."""
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={cache}", *map(str, scripts)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert "Found" in done.stdout, done.stdout + done.stderr
    found = re.findall(r"^(.+?):(\d+): error: .*\[([\w-]+)\]$", done.stdout, re.MULTILINE)
    return {(Path(path).name, int(line), code) for path, line, code in found}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_docs_import_nothing_but_public_names(page: Path) -> None:
    assert not re.search(r"^\s*(from|import) relayload\.|relayload\.core", PAGES[page], re.MULTILINE)
