"""The report on scans as one HTML page that needs no script, no font and no other file. Pure."""

from __future__ import annotations

from datetime import datetime
from html import escape

from ecr_stack.aws.scanning import SEVERITIES
from ecr_stack.cli.measures import short
from ecr_stack.errors import counted
from ecr_stack.operations.scanning.report import Report, RepositoryRow, Trend

__all__ = ["page"]

_SHOWN = ("CRITICAL", "HIGH", "MEDIUM", "LOW")

_STYLE = """
:root { color-scheme: light dark;
  --page: #f6f7f9; --card: #fff; --ink: #1c2330; --soft: #5a6475; --line: #dfe3ea; --row: #f9fafc;
  --critical: #a80f2f; --high: #cf4a12; --medium: #946200; --low: #3b6ea5; --good: #1d7a46; --on: #fff;
  --critical-bar: #c2183d; --high-bar: #ea6a26; --medium-bar: #e2ae2b; --low-bar: #7ea6d3; }
@media (prefers-color-scheme: dark) { :root {
  --page: #12161d; --card: #1a202a; --ink: #e7ebf2; --soft: #a2adbf; --line: #303949; --row: #1e2530;
  --critical: #ff8095; --high: #ff9d6b; --medium: #efc25b; --low: #93bdec; --good: #6fd39b; --on: #12161d;
  --critical-bar: #e8405f; --high-bar: #ee7c3f; --medium-bar: #cf9d2a; --low-bar: #5c88b8; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 28px 20px 48px; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 4px; letter-spacing: -.01em; }
h2 { font-size: 1.1rem; margin: 32px 0 10px; }
p { margin: 0; } .soft { color: var(--soft); }
.cards { display: grid; grid-template-columns: repeat(6, 1fr); gap: 12px; margin: 22px 0 8px; padding: 0; list-style: none; }
.cards li { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 12px 14px; }
.cards b { display: block; font-size: 1.75rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.cards .name { font-size: .82rem; color: var(--soft); }
.critical { color: var(--critical); } .high { color: var(--high); } .medium { color: var(--medium); } .low { color: var(--low); }
.up { color: var(--critical); } .down { color: var(--good); }
.change { font-size: .82rem; font-variant-numeric: tabular-nums; } td .change { white-space: nowrap; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 0; overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { padding: 9px 12px; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
thead th { font-size: .78rem; font-weight: 600; color: var(--soft); white-space: nowrap; }
tbody tr:last-child > * { border-bottom: 0; } tbody tr:nth-child(even) { background: var(--row); }
tbody th { font-weight: 600; overflow-wrap: anywhere; min-width: 11em; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
td.zero { color: var(--soft); } .small { font-size: .82rem; font-weight: 400; color: var(--soft); overflow-wrap: anywhere; }
.bar { display: flex; height: 8px; border-radius: 4px; overflow: hidden; background: var(--line); margin-top: 6px; max-width: 260px; }
.bar i { display: block; min-width: 2px; } .bar .c { background: var(--critical-bar); } .bar .h { background: var(--high-bar); }
.bar .m { background: var(--medium-bar); } .bar .l { background: var(--low-bar); }
.badge { display: inline-block; border-radius: 999px; padding: 0 8px; font-size: .78rem; border: 1px solid currentColor; white-space: nowrap; }
ul.notes { margin: 16px 0 0; padding-left: 1.2em; } ul.notes li { margin: 2px 0; overflow-wrap: anywhere; }
footer { margin-top: 28px; font-size: .82rem; color: var(--soft); }
@media (max-width: 980px) { .cards { grid-template-columns: repeat(3, 1fr); } }
@media (max-width: 480px) { main { padding: 18px 12px 32px; } .cards { grid-template-columns: repeat(2, 1fr); } }
@media screen and (max-width: 860px) {
  table, tbody, tr, td, tbody th { display: block; } thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tbody tr { padding: 10px 12px; border-bottom: 1px solid var(--line); } tbody tr:last-child { border-bottom: 0; }
  td, tbody th { border: 0; padding: 2px 0; } td.number { display: inline-block; text-align: left; margin-right: 14px; }
  td[data-label]::before { content: attr(data-label) " "; color: var(--soft); font-size: .82rem; }
  td.empty { display: none; } }
@media print { :root { color-scheme: light; --page: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #bbb; --row: #fff;
  --critical: #a80f2f; --high: #b03c0a; --medium: #7a5200; --low: #2f5b8c; --good: #17643a; }
  body { font-size: 10pt; } main { max-width: none; padding: 0; } tr { break-inside: avoid; } thead { display: table-header-group; }
  .bar { print-color-adjust: exact; -webkit-print-color-adjust: exact; } .card { overflow: visible; } }
"""


def page(report: Report, trend: Trend | None = None) -> str:
    """Write the page.

    Args:
        report: what was read.
        trend: what changed since an earlier report.
    """
    rows = sorted(report.repositories, key=_worst_first)
    where = f" in {escape(report.region)}" if report.region else ""
    since = f", compared with {trend.since:%d %B %Y %H:%M} UTC" if trend else ""
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>Image scans of {escape(report.stack)}</title><style>{_STYLE}</style></head><body><main>",
        f"<header><h1>Image scans of {escape(report.stack)}</h1>",
        f'<p class="soft">The newest image of each repository{where}, {report.at:%d %B %Y %H:%M} UTC{since}</p></header>',
        _cards(report, trend),
        _notices(report, trend),
        "<h2>Repositories</h2>",
        _table(rows, report.at, trend),
        "<footer><p>Numbers are those of the platform with the most findings of each severity. “In use” and whether a fix "
        "exists are known under enhanced scanning only. Made by <code>ecr-stack scan report</code>.</p></footer>",
        "</main></body></html>\n",
    ]
    return "\n".join(part for part in parts if part)


def _worst_first(row: RepositoryRow) -> tuple[object, ...]:
    counts = row.counts
    return (*(-(counts or {}).get(name, 0) for name in SEVERITIES), counts is not None, row.repository)  # type: ignore[call-overload]


def _cards(report: Report, trend: Trend | None) -> str:
    cards = []
    for name in _SHOWN:
        change = _change(trend.totals.get(name, 0)) if trend else ""
        cards.append(
            f'<li><span class="name">{name.capitalize()}</span><b class="{name.lower()}">{report.totals[name]:,}</b>{change}</li>'
        )
    clean = sum(
        row.counts is not None and not any(row.counts.get(name) for name in ("CRITICAL", "HIGH"))
        for row in report.repositories
    )
    cards.append(
        f'<li><span class="name">Without critical or high</span><b>{clean:,}</b>'
        f'<span class="change soft">of {counted(len(report.repositories), "repository")}</span></li>'
    )
    cards.append(
        f'<li><span class="name">Without a result</span><b>{report.unknown:,}</b>'
        '<span class="change soft">of these nothing is known</span></li>'
    )
    return f'<ul class="cards">{"".join(cards)}</ul>'


def _change(difference: int) -> str:
    if difference == 0:
        return '<span class="change soft">no change</span>'
    kind, arrow, word = ("up", "▲", "more") if difference > 0 else ("down", "▼", "fewer")
    return f'<span class="change {kind}"><span aria-hidden="true">{arrow}</span> {abs(difference):,} {word}</span>'


def _notices(report: Report, trend: Trend | None) -> str:
    notes = []
    oldest = [row for row in report.repositories if row.oldest_fixable_critical]
    if oldest:
        row = min(oldest, key=lambda each: each.oldest_fixable_critical.first_observed_at)  # type: ignore[union-attr]
        fix = row.oldest_fixable_critical
        assert fix is not None
        days = max(0, (report.at - fix.first_observed_at).days)
        notes.append(
            f"The oldest critical finding with a fix is {escape(fix.name)} in {escape(row.repository)}: {_days(days)} old."
        )
    if trend:
        for names, text in (
            (trend.added, "New since then"), (trend.removed, "Gone since then"),
            (trend.incomparable, "Not comparable, since one of the two reports has no result"),
        ):  # fmt: skip
            if names:
                more = f" and {len(names) - 10:,} more" if len(names) > 10 else ""
                notes.append(f"{text}: {escape(', '.join(names[:10]))}{more}.")
    return f'<ul class="notes">{"".join(f"<li>{note}</li>" for note in notes)}</ul>' if notes else ""


def _days(days: int) -> str:
    return counted(days, "day")


def _table(rows: list[RepositoryRow], at: datetime, trend: Trend | None) -> str:
    if not rows:
        return "<p>The stack has no repositories.</p>"
    heads = "".join(f'<th scope="col" class="number">{name.capitalize()}</th>' for name in _SHOWN)
    # the roles say again what the elements say: on a narrow screen they are no table to the browser any more
    return (
        '<div class="card"><table role="table"><thead><tr><th scope="col">Repository and newest image</th>'
        f'{heads}<th scope="col">Oldest fixable critical</th><th scope="col">In use</th><th scope="col">Scan</th></tr></thead>'
        f"<tbody>{''.join(_tr(row, at, trend) for row in rows)}</tbody></table></div>"
    )


def _tr(row: RepositoryRow, at: datetime, trend: Trend | None) -> str:
    tags = ", ".join(row.image_tags[:3]) + (f" and {len(row.image_tags) - 3} more" if len(row.image_tags) > 3 else "")
    facts = [escape(tags or short(row.image_digest or ""))] if row.image_digest else []
    if row.image_pushed_at:
        facts.append(f"pushed {_ago((at - row.image_pushed_at).days)}")
    names = [each.platform for each in row.platforms if each.platform]
    if names:
        facts.append(escape(", ".join(names)))
    cells = [
        f'<th scope="row" role="rowheader">{escape(row.repository)}<div class="small">{" · ".join(facts)}</div>{_bar(row)}</th>'
    ]
    changes = trend.repositories.get(row.repository, {}) if trend else {}
    for name in _SHOWN:
        if row.counts is None:
            cells.append('<td class="number zero empty"><span title="not known">?</span></td>')
            continue
        count = row.counts.get(name, 0)  # type: ignore[call-overload]
        change = changes.get(name, 0)
        moved = f"<div>{_change(change)}</div>" if change else ""
        cells.append(
            f'<td class="number {name.lower() if count else "zero"}" data-label="{name.capitalize()}">{count:,}{moved}</td>'
        )
    fix = row.oldest_fixable_critical
    if fix:
        days = max(0, (at - fix.first_observed_at).days)
        cells.append(
            f'<td data-label="Oldest fixable critical:">{_days(days)}<div class="small">{escape(fix.name)}'
            f"{f' in {escape(fix.package)}' if fix.package else ''}</div></td>"
        )
    else:
        unknown = row.counts is not None and row.counts.get("CRITICAL") and not row.fixability_known
        cells.append(f'<td class="zero{"" if unknown else " empty"}">{"not known" if unknown else "–"}</td>')
    cells.append(_in_use(row, at))
    cells.append(f'<td class="small">{_status(row)}</td>')
    cells[1:] = [cell.replace("<td", '<td role="cell"', 1) for cell in cells[1:]]
    return f'<tr role="row">{"".join(cells)}</tr>'


def _bar(row: RepositoryRow) -> str:
    counts = row.counts or {}
    numbers = {name: counts.get(name, 0) for name in _SHOWN}  # type: ignore[call-overload]
    if not sum(numbers.values()):
        return ""
    told = ", ".join(f"{count:,} {name.lower()}" for name, count in numbers.items() if count)
    parts = "".join(
        f'<i class="{name[0].lower()}" style="flex:{count}"></i>' for name, count in numbers.items() if count
    )
    return f'<div class="bar" role="img" aria-label="{told}">{parts}</div>'


def _in_use(row: RepositoryRow, at: datetime) -> str:
    if row.in_use_count:
        return f'<td data-label="In use:"><span class="badge high">{row.in_use_count:,} running</span></td>'
    if row.last_in_use_at:
        return (
            f'<td data-label="In use:"><span class="small">last seen {_ago((at - row.last_in_use_at).days)}</span></td>'
        )
    if row.in_use_count == 0:
        return '<td data-label="In use:"><span class="small">no</span></td>'
    return '<td class="zero empty"><span title="ECR does not say">–</span></td>'


def _ago(days: int) -> str:
    return "today" if days <= 0 else f"{_days(days)} ago"


def _status(row: RepositoryRow) -> str:
    if row.problem:
        return escape(row.problem)
    return escape(", ".join(dict.fromkeys(each.status for each in row.platforms)))
