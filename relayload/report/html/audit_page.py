"""The page of an audit, and its tables for the page of a run."""

from collections.abc import Sequence

from relayload.core.audit.findings import Audit
from relayload.core.audit.result import AuditResult
from relayload.core.model.verdict import ObjectiveResult
from relayload.report.audit import METHOD, lead, sections
from relayload.report.audit_result import page_facts, title, verdict_reasons, verdict_word
from relayload.report.html.marks import sign_of, status_class
from relayload.report.html.plot import bins_block
from relayload.report.html.shell import rendered
from relayload.report.html.tables import Table
from relayload.report.objective_reasons import reasons_told
from relayload.report.text import COUNTED, certainty, condition, interval_heading, legends, mark_of, observations

_MOST_NOTES = 100


def render_audit_page(result: AuditResult) -> str:
    """Return the page as HTML: the verdict, the objectives, and what was found."""
    judged = result.objectives
    context = {
        "title": title(result),
        "heading": page_facts(result),
        "status_class": status_class(result.verdict),
        "sign": sign_of(result.verdict),
        "word": verdict_word(result),
        "exit_code": result.exit_code,
        "reasons": verdict_reasons(result),
        "objectives": _objectives_table(judged),
        "legends": [*reasons_told(judged), *legends(judged)] if judged else [],
        "lead": lead(result.audit),
        "tables": audit_tables(result.audit),
        "method": METHOD,
        "bins": bins_block(),
    }
    return rendered("audit_page.html.j2", context)


def _objectives_table(results: Sequence[ObjectiveResult]) -> Table:
    headings = ("verdict", "objective", "observed", interval_heading(results), COUNTED)
    rows = [
        (f"{mark_of(each)} {each.verdict.value} {certainty(each)}".rstrip(), condition(each), *observations(each))
        for each in results
    ]
    return Table("Objectives", headings, rows, frozenset((0, 1)))


def audit_tables(audit: Audit | None) -> list[tuple[Table, Sequence[str]]]:
    """Return the tables of an audit, each with what is to be said of it; none without an audit."""
    if audit is None:
        return []
    return [
        (Table(section.title, section.headings, list(section.rows), section.words), section.notes[:_MOST_NOTES])
        for section in sections(audit)
    ]
