"""What the headers of answers reveal: the relay's limits, its request ids and its clock."""

from collections.abc import Iterable

from relayload.core.wire.http_date import http_date_s
from relayload.doctor.findings import Findings
from relayload.profile import Profile
from relayload.profile.loads import OpenLoad
from relayload.transport.probe_client import Reply

_IDS = ("x-request-id", "request-id", "x-litellm-call-id", "x-oneapi-request-id")
_LIMITS = "x-ratelimit-limit-"
_MOST_SKEW_S = 5.0
_MOST_LIMITS = 8
_MOST_DIGITS = 15


def look_at_headers(profile: Profile, replies: Iterable[Reply], findings: Findings) -> None:
    """Examine the headers, where later answers override earlier ones."""
    headers = {name: value for reply in replies for name, value in reply.headers.items()}
    limits = {name.removeprefix(_LIMITS): value for name, value in headers.items() if name.startswith(_LIMITS)}
    if limits:
        named = [
            f"{findings.quoted(value)} {findings.quoted(name)}" for name, value in list(limits.items())[:_MOST_LIMITS]
        ]
        findings.note("headers", "limits told: " + ", ".join(named))
        _compare(profile, limits.get("requests", ""), findings)
    else:
        kin = sorted({findings.quoted(name) for name in headers if "ratelimit" in name})[:_MOST_LIMITS]
        none = "no x-ratelimit-* headers: the limits of the key are not told"
        findings.note("headers", f"limits told in {', '.join(kin)}" if kin else none)
    known = next((name for name in _IDS if name in headers), None)
    findings.note(
        "headers", f"requests are named in {known}" if known else "no header names the request (x-request-id)"
    )


def look_at_clock(reply: Reply, findings: Findings) -> None:
    """Compare the relay's clock with ours, to the second, which is the resolution of the header."""
    theirs_s = http_date_s(reply.header("date"))
    if theirs_s is None:
        findings.note("clock", "no Date header that can be read, so the clocks can't be compared")
        return
    skew_s = theirs_s - reply.wall_ns / 1e9
    if abs(skew_s) <= _MOST_SKEW_S:
        findings.ok("clock", "the relay's clock and ours agree")
        return
    way = "ahead of" if skew_s > 0 else "behind"
    message = f"the relay's clock is {abs(skew_s):.0f}s {way} ours: set ours by NTP before comparing logs"
    findings.warning("clock", message)


def _compare(profile: Profile, limit: str, findings: Findings) -> None:
    from relayload.profile.plan import plan

    load = profile.load
    if not limit.isdecimal() or len(limit) > _MOST_DIGITS or not isinstance(load, OpenLoad) or profile.several:
        return
    total = plan(profile).total
    peak = total.peak_per_minute if total else None
    if peak is not None and peak > int(limit):
        findings.warning(
            "limits",
            f"the plan has up to {peak} requests in a minute, and the relay tells a limit of {limit} "
            f"(of a minute, as most do): limits: {{per_minute: {limit}}}",
            ("load", "limits"),
        )
