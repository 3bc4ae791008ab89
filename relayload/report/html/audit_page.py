"""The page of an audit, and its tables for the page of a run."""

from collections.abc import Sequence

from relayload.core.audit.findings import Audit
from relayload.report.audit import METHOD, TITLE, lead, sections
from relayload.report.html.plot import bins_block
from relayload.report.html.shell import rendered
from relayload.report.html.tables import Table

_MOST_NOTES = 100


def render_audit_page(
    audit: Audit, title: str = TITLE, heading: Sequence[tuple[str, str]] = (), exit_code: int = 0
) -> str:
    """Return the page as HTML. `heading` tells by name what was audited, where and when."""
    context = {
        "title": title,
        "heading": heading,
        "status_class": "invalid" if audit.doubts else "finding",
        "word": "a finding, in doubt" if audit.doubts else "a finding, no verdict",
        "exit_code": exit_code,
        "lead": lead(audit),
        "tables": audit_tables(audit),
        "method": METHOD,
        "bins": bins_block(),
    }
    return rendered("audit_page.html.j2", context)


def audit_tables(audit: Audit | None) -> list[tuple[Table, Sequence[str]]]:
    """Return the tables of an audit, each with what is to be said of it; none without an audit."""
    if audit is None:
        return []
    return [
        (Table(section.title, section.headings, list(section.rows), section.words), section.notes[:_MOST_NOTES])
        for section in sections(audit)
    ]
