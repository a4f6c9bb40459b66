"""The page's style sheet: every colour is a variable with a light and a dark value."""

from typing import Final

STYLE: Final = """
:root { color-scheme: light dark;
  --page: #f7f7f5; --card: #ffffff; --ink: #1c2024; --quiet: #60646c; --rule: #e2e3e6;
  --equal: #8b8d98; --target: #b08d57; --kelly: #7fb2e5; --smooth: #1f6fb2;
  --linear: #2e9e6b; --rl: #d9480f; }
@media (prefers-color-scheme: dark) { :root {
  --page: #111214; --card: #1a1c1f; --ink: #e8e9eb; --quiet: #9ba1a8; --rule: #2e3237;
  --equal: #9a9ca6; --target: #d0ab72; --kelly: #5b87b5; --smooth: #6db3f2;
  --linear: #53c792; --rl: #ff8a4c; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1040px; margin: 0 auto; padding: 24px 16px 64px; }
h1 { font-size: 22px; line-height: 1.3; margin: 8px 0; }
h2 { font-size: 16px; margin: 28px 0 8px; }
.verdict { background: var(--card); border: 1px solid var(--rule); border-radius: 8px;
  padding: 10px 14px; }
.warning { background: var(--card); border: 1px solid var(--rl); border-radius: 8px;
  padding: 10px 14px; margin: 12px 0; }
.warning ul { margin: 6px 0 0; padding-left: 20px; max-height: 320px; overflow-y: auto; }
.wide { overflow-x: auto; background: var(--card); border: 1px solid var(--rule);
  border-radius: 8px; }
table { border-collapse: collapse; width: 100%; font-size: 13px;
  font-variant-numeric: tabular-nums; }
th, td { padding: 6px 10px; text-align: right; white-space: nowrap;
  border-bottom: 1px solid var(--rule); }
tbody tr:last-child > * { border-bottom: 0; }
th:first-child { text-align: left; }
thead th { color: var(--quiet); font-weight: 500; }
tbody th { font-weight: 500; }
figure { margin: 20px 0; padding: 12px 14px; background: var(--card);
  border: 1px solid var(--rule); border-radius: 8px; }
figcaption { display: flex; flex-wrap: wrap; gap: 4px 14px; font-size: 13px; margin-bottom: 6px; }
figcaption b { flex-basis: 100%; font-size: 14px; }
.key { color: var(--quiet); display: inline-flex; align-items: center; gap: 6px; }
.key i { width: 18px; border-top: 2.5px solid var(--hue); }
.key i.dashed { border-top-style: dashed; }
svg { width: 100%; height: auto; display: block; }
svg text { fill: var(--quiet); font-size: 11px; }
.grid { stroke: var(--rule); stroke-width: 1; }
polyline { fill: none; stroke: var(--hue); stroke-width: 1.5; stroke-linejoin: round; }
polyline.dashed { stroke-dasharray: 5 4; stroke-width: 1.2; }
.band { fill: var(--hue); opacity: 0.18; }
.equal_weight { --hue: var(--equal); } .vol_target { --hue: var(--target); }
.kelly { --hue: var(--kelly); } .kelly_smoothed { --hue: var(--smooth); }
.linear { --hue: var(--linear); } .rl { --hue: var(--rl); }
details { margin-top: 28px; color: var(--quiet); }
pre { overflow-x: auto; font-size: 12px; }
"""
