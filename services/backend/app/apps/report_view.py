"""A validation report as callers see it."""

from pydantic import JsonValue

from libs.common.contracts.workflows import Finding, ValidationReport


def report_view(report: ValidationReport) -> dict[str, JsonValue]:
    """`{"errors": [...], "warnings": [...]}`."""
    return {"errors": _findings(report.errors), "warnings": _findings(report.warnings)}


def _findings(findings: tuple[Finding, ...]) -> list[JsonValue]:
    return [finding.model_dump(mode="json") for finding in findings]
