/** The look of the page: readable on a phone, in the dark and on paper. */
export const PAGE_STYLE = `
:root {
  color-scheme: light dark;
  --paper: #ffffff; --panel: #f6f7f9; --ink: #1c2530; --quiet: #5b6673; --line: #d9dee4;
  --good: #2f7d57; --critical: #8e1b5e; --high: #c8402b; --medium: #d99114; --low: #7489a3;
  --first: #1f6feb; --second: #7a5bd0; --third: #b0607f; --range: #8b98a933; --mark: #b4270f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #12171d; --panel: #1b222b; --ink: #e6ebf1; --quiet: #9aa7b5; --line: #313b47;
    --good: #4fb286; --critical: #e070b4; --high: #f07a62; --medium: #edb352; --low: #93a8c2;
    --first: #6ea8ff; --second: #ab93f0; --third: #e19ab5; --range: #8b98a944; --mark: #ff9a83;
  }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem; max-width: 1240px; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 .3rem; }
h2 { font-size: 1.1rem; margin: 2rem 0 .6rem; }
header p, footer, small, dt { color: var(--quiet); }
header p, dd, li { overflow-wrap: anywhere; }
p { margin: .4rem 0; max-width: 80ch; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: .8rem; margin-top: 1.2rem; }
.card { background: var(--panel); border-radius: 10px; padding: .8rem 1rem; min-width: 0; }
.card div { color: var(--quiet); }
.card strong { display: block; font-size: 1.45rem; line-height: 1.3; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 520px), 1fr)); gap: 1rem; margin-top: 1.5rem; }
figure { margin: 0; padding: .9rem 1rem .5rem; border: 1px solid var(--line); border-radius: 10px; min-width: 0; overflow: hidden; break-inside: avoid; }
figcaption { display: flex; flex-wrap: wrap; gap: .2rem 1rem; align-items: baseline; }
.legend { display: flex; flex-wrap: wrap; gap: .1rem .8rem; color: var(--quiet); font-size: .82rem; }
.legend i { display: inline-block; width: .7em; height: .7em; border-radius: 2px; margin-right: .35em;
  print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.nothing { color: var(--quiet); padding: 3rem 0; text-align: center; max-width: none; }
figure svg { display: block; width: 100%; height: auto; overflow: visible; background: none;
  font-size: 11px; --plot-background: var(--paper); }
.narrow { display: none; }
.breaks-list { margin: 0; padding-left: 1.2rem; }
summary { color: var(--quiet); margin: .3rem 0; cursor: pointer; }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .25rem 1.2rem; margin: 0; }
dd { margin: 0; }
.scroll { overflow-x: auto; max-width: 100%; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .88rem; }
th, td { padding: .22rem .8rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
th { color: var(--quiet); font-weight: 600; }
mark { background: none; color: var(--mark); font-weight: 600; }
footer { margin-top: 2.5rem; font-size: .85rem; }
@media (max-width: 640px) {
  body { padding: 1rem; }
  .cards { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .card strong { font-size: 1.2rem; }
  dl { grid-template-columns: 1fr; }
  dd { margin-bottom: .4rem; }
  .wide { display: none; }
  .narrow { display: block; }
}
@media print {
  :root { --paper: #ffffff; --panel: #f6f7f9; --ink: #1c2530; --quiet: #5b6673; --line: #d9dee4;
    --good: #2f7d57; --critical: #8e1b5e; --high: #c8402b; --medium: #d99114; --low: #7489a3;
    --first: #1f6feb; --second: #7a5bd0; --third: #b0607f; --range: #8b98a933; --mark: #b4270f; }
  body { padding: 0; max-width: none; font-size: 11px; }
  .charts { grid-template-columns: 1fr 1fr; }
  .wide { display: block; }
  .narrow { display: none; }
  .scroll { overflow: visible; }
  tr { break-inside: avoid; }
}
`;
