"""Renders a diagnosis as text."""

from rich.table import Table
from rich.text import Text

from relayload.doctor.findings import Diagnosis, Finding, State
from relayload.report.printing import printed
from relayload.report.screen import PLAIN, Screen

_MARKS = {State.OK: "✓", State.NOTE: "–", State.WARNING: "!", State.FAULT: "✗"}
_STYLES = {State.OK: "green", State.NOTE: "dim", State.WARNING: "yellow", State.FAULT: "red"}
_DOUBTS = (State.WARNING, State.FAULT)


def render_diagnosis(diagnosis: Diagnosis, screen: Screen = PLAIN, *, verbose: bool = False) -> str:
    """Render a row for each finding, with the line to change and the request for doubts, or with `verbose` for all."""
    sent = "request" if diagnosis.requests == 1 else "requests"
    title = Text(
        f"{diagnosis.profile} · {', '.join(diagnosis.base_urls.values())} · {diagnosis.requests} {sent} sent",
        style="bold",
    )
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), show_header=False)
    table.add_column()
    table.add_column()
    table.add_column(overflow="fold")
    for finding in diagnosis.findings:
        topic = f"{finding.target}: {finding.topic}" if len(diagnosis.base_urls) > 1 else finding.topic
        table.add_row(Text(_MARKS[finding.state], style=_STYLES[finding.state]), topic, Text(finding.message))
        if finding.path:
            table.add_row("", "", Text(_place(finding)))
        if finding.sent and (verbose or finding.state in _DOUBTS):
            table.add_row("", "", Text(f"sent: {finding.sent}", style="dim"))
    return printed([title, Text(), table, Text(), _conclusion(diagnosis)], screen)


def _place(finding: Finding) -> str:
    return f"→ {finding.place}: {finding.path}" if finding.place else f"→ {finding.path}"


def _conclusion(diagnosis: Diagnosis) -> Text:
    faults = sum(finding.state is State.FAULT for finding in diagnosis.findings)
    warnings = sum(finding.state is State.WARNING for finding in diagnosis.findings)
    if faults:
        return Text(f"not usable: {faults} {'problem' if faults == 1 else 'problems'} to fix", style="bold red")
    if warnings:
        return Text(f"usable, with {warnings} {'doubt' if warnings == 1 else 'doubts'}", style="bold yellow")
    return Text("healthy", style="bold green")
