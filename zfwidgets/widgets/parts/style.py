"""The look of every viewer, in one place; colours come from Jupyter's theme, so dark follows by itself."""

from __future__ import annotations

from html import escape

import ipywidgets as W

from zfwidgets.widgets.parts.unit_style import UNIT_CSS

__all__ = [
    "ACCENT",
    "PASSING",
    "SHARED",
    "bars",
    "breakable",
    "colour_bar",
    "duration",
    "legend",
    "number",
    "printed",
    "signed",
    "signed_bar",
    "style_sheet",
]

ACCENT = "#ff7f0e"
"""What is selected, in every panel; bright on viridis, on grey and on photographs."""

SHARED = "#4da6ff"
"""What both networks have."""

PASSING = "#ffffff"
"""What is under the mouse and not chosen yet."""
_GRADIENT = "linear-gradient(90deg,#440154,#482878,#3e4a89,#31688e,#26828e,#1f9e89,#35b779,#6ece58,#b5de2b,#fde725)"
_SIGNED = "linear-gradient(90deg,#053061,#2f79b5,#a2cde3,#f7f7f7,#fac8af,#c53e3d,#67001f)"

CSS = """
.zf { --zf-ink: var(--jp-ui-font-color1, #222); --zf-soft: var(--jp-ui-font-color2, #555);
  --zf-line: var(--jp-border-color2, #d5d5d5); --zf-paper: var(--jp-layout-color1, #fff);
  --zf-wash: var(--jp-layout-color2, #f3f4f6); --zf-accent: #ff7f0e; --zf-bar: #2a788e;
  scrollbar-color: var(--zf-soft) var(--zf-wash); container: zf / inline-size; width: 100%;
  color: var(--zf-ink); font-family: var(--jp-ui-font-family, system-ui, sans-serif); font-size: 13px; }
html:has(.zf) { scrollbar-color: var(--jp-ui-font-color2, #555) var(--jp-layout-color1, #fff); }
.zf, .zf .widget-box { overflow: visible; box-sizing: border-box; }
.zf .widget-html, .zf .widget-html-content { color: var(--zf-ink); line-height: 1.35; font-size: 13px;
  margin: 0; height: auto; min-width: 0; overflow: visible; }
.zf-row { display: flex; flex-flow: row wrap; gap: 20px; align-items: flex-start; width: 100%; }
.zf-side { display: flex; flex-direction: column; gap: 8px; width: 290px; max-width: 100%; flex: none; }
.zf-maps { display: flex; flex-flow: row wrap; gap: 14px 16px; width: 594px; max-width: 100%; flex: none;
  align-content: flex-start; transition: opacity .15s; }
.zf-pair { width: 896px; }
.zf-notes { display: flex; flex-direction: column; gap: 12px; flex: 1 1 230px; min-width: 220px; max-width: 420px; }
.zf-notes:has(.bqplot) { min-width: min(288px, 100%); }
.zf-stale .zf-maps { opacity: .62; }
.zf-panel { width: 288px; max-width: 100%; flex: none; margin: 0; }
.zf-panel .bqplot { margin: 0; }
.zf-title { font-weight: 600; min-height: 18px; white-space: nowrap; overflow: hidden; text-overflow: ellipsis;
  max-width: 288px; padding-bottom: 3px; }
.zf small { font-size: 11px; } .zf-title small { font-weight: 400; color: var(--zf-soft); font-size: 12px; }
.zf-foot { min-height: 33px; max-width: 288px; padding-top: 4px; font-size: 12px; color: var(--zf-soft);
  font-variant-numeric: tabular-nums; }
.zf-two .zf-side .zf-foot { min-height: 49px; }
.zf-scale { display: flex; align-items: center; gap: 6px; }
.zf-scale i { flex: 1; height: 9px; border-radius: 2px; }
.zf-legend { display: flex; flex-wrap: wrap; gap: 1px 10px; }
.zf-legend span { white-space: nowrap; } .zf-legend i, .zf-key { display: inline-block; width: 10px; height: 10px;
  margin-right: 4px; border-radius: 2px; border: 1px solid rgba(128,128,128,.6); vertical-align: -1px; }
.zf-h { font-weight: 600; margin: 0 0 4px; } .zf-soft { color: var(--zf-soft); }
.zf-num { font-variant-numeric: tabular-nums; }
.zf-bars { display: grid; grid-template-columns: minmax(60px, auto) 1fr 44px; gap: 3px 8px; align-items: center; }
.zf-bars b { font-weight: 400; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; max-width: 150px; }
.zf-bars .zf-track { position: relative; height: 12px; background: var(--zf-wash); border-radius: 2px; }
.zf-bars .zf-track i { position: absolute; left: 0; top: 0; bottom: 0; background: var(--zf-bar); border-radius: 2px; }
.zf-bars .zf-track u { position: absolute; top: -2px; bottom: -2px; width: 2px; background: var(--zf-ink); }
.zf-bars em { font-style: normal; text-align: right; font-variant-numeric: tabular-nums; }
.zf-controls { display: flex; flex-direction: column; gap: 6px; width: 100%; }
.zf .zf-controls .widget-inline-hbox { width: 100%; max-width: 100%; margin: 0; min-height: 30px; height: auto;
  overflow: visible; }
.zf .zf-controls .widget-label { min-width: 108px; color: var(--zf-ink); text-align: left; font-size: 13px; }
.zf .zf-controls select { height: 28px; appearance: auto; background-image: none !important; padding: 0 4px; }
.zf .zf-controls select, .zf .zf-controls input { color: var(--zf-ink); background-color: var(--zf-paper);
  min-width: 0; border-color: var(--zf-line); }
.zf .widget-readout { color: var(--zf-ink); font-variant-numeric: tabular-nums; min-width: 34px; }
.zf .widget-toggle-button, .zf .widget-button { color: var(--zf-ink); background: var(--zf-wash);
  border: 1px solid var(--zf-line); }
.zf .widget-toggle-button, .zf .widget-button, .zf-buttons { margin: 0; }
.zf .widget-toggle-button.mod-active { box-shadow: inset 0 -3px 0 var(--zf-accent); }
.zf :focus-visible, .zf .noUi-handle:focus { outline: 2px solid var(--zf-accent) !important; outline-offset: 1px; }
.zf .bqplot, .zf .bqplot .svg-background, .zf .bqplot rect.plotarea_background { background: transparent !important;
  fill: transparent !important; }
.zf-read { min-height: 36px; }
.zf .brushintsel .overlay { pointer-events: none; }
.zf .brushintsel .handle { display: none; }
.zf .brushintsel .selection { fill: #808080 !important; fill-opacity: .01 !important; stroke: #ff7f0e !important;
  stroke-width: 2px !important; }
.zf .bqplot image { cursor: crosshair; }
.zf-strip { border-top: 1px solid var(--zf-line); padding: 5px 0; width: 100%; margin-top: 6px; position: sticky;
  bottom: 0; z-index: 5; background: var(--zf-paper); box-shadow: 0 16px 0 var(--zf-paper);
  display: flex; flex-flow: row wrap; gap: 4px 16px; align-items: center; min-height: 38px; }
div.jp-Notebook .zf-strip, div.jp-Notebook .zf-epochs { background: var(--jp-layout-color0, #fff); box-shadow: none; }
.jp-OutputArea:not(.jp-mod-outputsScrolled):has(.zf-strip), .jp-OutputArea-child:has(.zf-strip),
.jp-OutputArea-output:has(.zf-strip) { overflow: visible; }
.zf-strip .widget-html { flex: 1 1 300px; } .zf-strip .widget-button { width: 84px; height: 28px; margin: 0; }
.zf-strip .widget-html, .zf-strip .widget-html-content { position: static; }
.zf-strip .zf-alert { flex: 0 0 100%; } .zf-strip.zf-waiting .widget-html:not(.zf-alert) { flex: 0 1 auto; }
.zf .zf-strip.zf-waiting .widget-button { border-color: var(--zf-accent); box-shadow: inset 0 -3px 0 var(--zf-accent); }
.zf-state { display: inline-block; min-width: 62px; font-weight: 600; }
.zf-state::before { content: ""; display: inline-block; width: 8px; height: 8px; border-radius: 50%;
  margin-right: 6px; background: #2e9e5b; }
.zf-state.running::before, .zf-state.stale::before { background: var(--zf-accent); }
.zf-state.stopped::before { background: #8c8c8c; } .zf-state.waiting::before { background: #b58900; }
.zf-state.error::before { background: #d62728; }
.zf-progress { position: absolute; top: -1px; left: 0; height: 2px; background: var(--zf-accent); }
.zf-error { border-left: 4px solid #d62728; background: var(--zf-wash); padding: 5px 10px; margin-bottom: 4px; }
.zf-title.zf-heading { max-width: 594px; white-space: normal; }
.zf-tiles { display: grid; grid-template-columns: repeat(3, 1fr); gap: 12px 12px; width: 100%; }
.zf .zf-tile.widget-button { display: block; width: auto; min-width: 0; height: auto; margin: 0; padding: 0; border: 0;
  background: none; box-shadow: none; text-align: left; line-height: 20px; font-size: 12px; overflow: hidden;
  text-overflow: ellipsis; white-space: pre; font-variant-numeric: tabular-nums; border-radius: 2px; }
.zf .zf-tile.widget-button::before { content: ""; display: block; width: 100%; aspect-ratio: 2.03;
  background: var(--zf-wash) left top / 100% auto no-repeat; }
.zf .zf-tile.widget-button:empty::after { content: "\\00a0"; }
.zf .zf-tile.zf-dead::before { background-image: repeating-linear-gradient(45deg, transparent 0 7px,
  var(--zf-line) 7px 8px) !important; background-size: auto; }
.zf .zf-tile.zf-dead { color: var(--zf-soft); }
.zf .zf-tile.zf-chosen { outline: 3px solid var(--zf-accent); outline-offset: 2px; }
.zf .zf-tile:hover::before { filter: brightness(1.06); }
.zf .zf-gone.widget-box, .zf .zf-gone.widget-button { display: none; }
.zf-nine { display: flex; flex-flow: row wrap; gap: 10px 16px; }
.zf-wide { flex-direction: column; flex-wrap: nowrap; gap: 10px; }
.zf .zf-mine.widget-button { width: 100%; height: 32px; margin: 0; }
.zf .zf-wanted.widget-button { border-color: var(--zf-accent); box-shadow: inset 0 -3px 0 var(--zf-accent); }
.zf-save { display: flex; flex-flow: row wrap; gap: 4px 12px; align-items: center; margin-top: 4px; }
.zf .zf-save .widget-button { margin: 0; height: 30px; } .zf-save a { color: var(--jp-content-link-color, #0b6bcb); }
.zf-plot { display: block; max-width: 100%; height: auto; }
.zf-plot text { fill: var(--zf-soft); font-size: 11px; font-variant-numeric: tabular-nums; }
.zf-plot .zf-tight { letter-spacing: -.7px; }
.zf-plot .zf-grid { stroke: var(--zf-line); stroke-width: 1; }
.zf-plot .zf-curve { fill: none; stroke-width: 1.25; stroke-opacity: .6; stroke-linejoin: round; }
.zf-plot .zf-curve.zf-strong { stroke-width: 2.5; stroke-opacity: 1; }
.zf-plot .zf-dashed { stroke-dasharray: 4 3; } .zf-plot .zf-dotted { stroke-dasharray: 1.5 3; }
.zf-plot text.zf-now { fill: var(--zf-ink); font-weight: 600; }
.zf-plot .zf-cursor { stroke: var(--zf-accent); stroke-width: 1.5; }
.zf-plot .zf-dot { stroke: var(--zf-paper); stroke-width: 1.5; } .zf-plot .zf-mark { fill: var(--zf-ink); }
.zf-areas { display: grid; grid-template-columns: minmax(64px, auto) repeat(var(--zf-columns), 1fr); gap: 6px 10px;
  align-items: center; font-size: 12px; font-variant-numeric: tabular-nums; }
.zf-areas > span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.zf-areas .zf-now { font-weight: 600; }
.zf-areas .zf-both { display: grid; grid-template-columns: 1fr 26px; gap: 1px 4px; align-items: center; }
.zf-areas em { font-style: normal; text-align: right; }
.zf-areas i.zf-bar { height: 11px; border-radius: 2px;
  background: linear-gradient(90deg, var(--zf-bar) var(--zf-share), var(--zf-wash) var(--zf-share)); }
.zf-areas i.zf-thin { height: 5px; }
.zf .zf-controls select[multiple] { height: auto; }
.zf-hidden-parts { display: flex; flex-direction: column; width: 100%; }
.zf-hidden-parts img { display: block; max-width: 100%; height: auto; margin: 1px 0 4px; border-radius: 2px; }
.zf-hidden-parts div { line-height: 17px; }
.zf-parts { display: grid; grid-template-columns: 1.1fr 1fr 1fr 1fr; gap: 5px 8px; margin-bottom: 4px;
  align-items: baseline; } .zf-parts b { font-weight: 600; font-size: 12px; align-self: end; }
.zf-parts span { white-space: nowrap; } .zf-parts .zf-name { align-self: end; font-size: 11px; }
.zf-parts small { color: var(--zf-soft); font-size: 11px; }
.zf-intervals .zf-track s { position: absolute; top: 5px; height: 2px; background: var(--zf-ink);
  box-shadow: -1px 0 0 1px var(--zf-paper), 1px 0 0 1px var(--zf-paper); }
.zf-buttons { display: flex; gap: 8px; width: 100%; }
.zf .zf-buttons .widget-button { flex: 1 1 0; margin: 0; height: 30px; width: auto; }
.zf-growth { flex: 1 1 594px; width: auto; max-width: 896px; }
.zf-watching { width: 100%; max-width: 896px; }
.zf-watching > .widget-html:first-child, .zf-growth > .widget-html:first-child, .zf-growth > .zf-life { width: 100%;
  flex: 0 0 100%; }
.zf svg.zf-chart { width: 288px; }
.zf-chart .zf-gap { fill: var(--zf-line); opacity: .55; } .zf .zf-missing { text-decoration: line-through; }
.zf-legend i.zf-dashed { height: 0; border: 0; border-radius: 0; vertical-align: 3px; }
.zf-table { border-collapse: collapse; width: 100%; font-size: 12px; margin-bottom: 4px; }
.zf-table caption { text-align: left; font-weight: 600; font-size: 13px; padding: 0 0 4px; color: var(--zf-ink); }
.zf-table th { font-weight: 400; color: var(--zf-soft); vertical-align: bottom; text-align: right;
  padding: 2px 0 2px 8px; line-height: 1.2; }
.zf-table td { text-align: right; border-top: 1px solid var(--zf-line); padding: 2px 0 2px 8px; }
.zf-table small { white-space: nowrap; } .zf .zf-name { white-space: normal; overflow-wrap: anywhere; }
.zf-table th:first-child, .zf-table td:first-child { text-align: left; padding-left: 0; }
.zf-life img { display: block; width: 100%; height: auto; }
.zf-life-heads { display: flex; font-size: 12px; color: var(--zf-soft); }
.zf-life-heads span { flex: 1 1 0; text-align: center; min-width: 0; border-bottom: 3px solid transparent; }
.zf-life-heads .zf-now { color: var(--zf-ink); font-weight: 600; border-color: var(--zf-accent); }
.zf-life-foot { padding-top: 4px; font-size: 12px; color: var(--zf-soft); font-variant-numeric: tabular-nums; }
.zf-epochs { display: flex; gap: 16px; align-items: center; width: 100%; max-width: 1206px; position: sticky; top: 0;
  z-index: 6; background: var(--zf-paper); padding: 4px 0; margin-bottom: 6px; border-bottom: 1px solid var(--zf-line);
}
.zf .zf-epochs .widget-toggle-button { width: 84px; flex: none; height: 32px; margin: 0; }
.zf .zf-epochs .widget-inline-hbox { flex: 1 1 auto; width: auto; min-width: 0; }
.zf-watch { display: flex; flex-flow: row wrap; gap: 4px 10px; align-items: center; width: 100%; max-width: 1206px;
  padding: 4px 0; margin-bottom: 6px; }
.zf .zf-watch .widget-button { width: 84px; height: 32px; margin: 0; } .zf-watch .widget-html { flex: 1 1 260px; }
.zf-progress-line { height: 4px; background: var(--zf-wash); border-radius: 2px; margin-bottom: 4px; }
.zf-progress-line i { display: block; height: 4px; background: var(--zf-accent); border-radius: 2px; }
.zf-choice { display: flex; flex-flow: row wrap; gap: 4px 16px; align-items: center; width: 100%; margin: 0 0 6px; }
.zf-idle { visibility: hidden; }
.zf .zf-upload { font-size: 0; width: auto; height: 34px; padding: 0 12px; flex: none; margin: 0; }
.zf .zf-upload i { font-size: 13px; } .zf .zf-upload::after { content: "Your picture"; font-size: 13px; }
.zf-head { display: flex; flex-flow: row wrap; gap: 6px 16px; align-items: center; width: 100%; margin-bottom: 6px; }
.zf-brand { font-size: 20px; font-weight: 700; letter-spacing: -.02em; }
.zf .zf-thumbs { display: flex; gap: 4px; overflow-x: auto; overflow-y: hidden; flex: 1 1 300px; min-width: 0;
  width: 0; padding: 4px; scrollbar-width: thin; }
.zf .zf-thumbs .widget-button { width: 48px; height: 48px; min-width: 48px; flex: none; margin: 0; padding: 0;
  background-size: cover; background-position: center; border-radius: 4px; }
.zf .zf-thumbs .widget-button.zf-chosen { outline: 3px solid var(--zf-accent); outline-offset: -1px; }
.zf .widget-tab > .widget-tab-contents, .zf .jupyter-widget-tab-contents { padding: 12px 0 0; overflow: visible;
  border: 0; border-top: 1px solid var(--zf-line); background: transparent; }
.zf .lm-TabBar-tab { color: var(--zf-ink); }
.zf-card { display: flex; gap: 12px; align-items: flex-start; margin-top: 6px; min-height: 120px; font-size: 12px; }
.zf-card img { width: 98px; height: 98px; object-fit: contain; image-rendering: pixelated; flex: none; }
.zf-figures { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 12px; width: 100%; }
.zf-figures th { font-weight: 400; text-align: left; padding: 3px 8px 3px 0; vertical-align: bottom; }
.zf-figures td, .zf-figures tr:first-child th:not(:first-child) { text-align: right; padding: 3px 0 3px 8px; }
.zf-figures tr + tr { border-top: 1px solid var(--zf-line); }
.zf-chain { display: flex; flex-flow: row wrap; gap: 4px 16px; align-items: center; width: 100%; margin-bottom: 6px; }
.zf .zf-trail { display: flex; flex-direction: row-reverse; align-items: center; overflow-x: auto; overflow-y: hidden;
  flex: 1 1 300px; min-width: 0; width: 0; min-height: 36px; padding: 3px; scrollbar-width: thin; }
.zf-trail > :first-child { margin-right: auto !important; }
.zf .zf-crumb.widget-button { position: relative; flex: none; width: auto; height: 28px; line-height: 26px;
  padding: 0 11px; margin: 0 0 0 20px; border-radius: 20px; font-size: 12px; overflow: visible; }
.zf .zf-crumb.widget-button:last-child { margin-left: 0; }
.zf .zf-crumb.widget-button:not(:last-child)::before { content: "\\203a"; position: absolute; left: -15px; width: 10px;
  text-align: center; color: var(--zf-soft); font-weight: 600; }
.zf .zf-crumb.zf-now { border-color: var(--zf-accent); box-shadow: inset 0 0 0 1px var(--zf-accent); font-weight: 600; }
.zf .zf-crumb.zf-ahead { border-style: dashed; color: var(--zf-soft); background: none; }
.zf .zf-links { display: flex; gap: 6px; align-items: center; max-width: 100%; padding: 3px; }
.zf-links > * { flex: none; white-space: nowrap; }
.zf .zf-links .widget-button { width: auto; height: 28px; line-height: 26px; margin: 0; padding: 0 10px;
  border-radius: 0; }
.zf-here { width: 100%; }
.zf .zf-here .zf-tiles { grid-template-columns: repeat(3, 1fr); gap: 8px; }
.zf .zf-here .zf-tile.widget-button::before { aspect-ratio: 1; background-position: center; background-size: contain; }
/* By the room there is, not the window's width: in a notebook other things have their share of that. */
@container zf (min-width: 609px) and (max-width: 903px) {
  .zf-maps:not(.zf-pair) { flex: 1 1 288px; width: auto; }
}
@container zf (max-width: 608px) {
  .zf .zf-crumb.widget-button, .zf .zf-links .widget-button { height: 40px; line-height: 38px; padding: 0 9px; }
  .zf .zf-links { overflow-x: auto; overflow-y: hidden; scrollbar-width: thin; }
  .zf-row { gap: 14px; } .zf-side { width: 100%; } .zf-maps { width: 100%; } .zf-notes { max-width: 100%; }
  .zf-tiles { grid-template-columns: repeat(2, 1fr); }
  .zf-strip:has(.zf-state.ready) { position: relative; }
  .zf .widget-button, .zf .widget-toggle-button { min-height: 40px; }
  .zf .zf-controls .widget-inline-hbox { min-height: 40px; }
}
/* All tabs in sight with their whole names, in two rows where one does not suffice; the page's own rules are strong. */
.zf .widget-tab > .lm-TabBar { height: auto; max-height: none !important; overflow: visible !important; }
.zf .widget-tab .lm-TabBar-content { flex-wrap: wrap !important; }
.zf .widget-tab .lm-TabBar-tab { flex: 0 0 auto !important; min-width: 0 !important; padding: 0 12px !important; }
@container zf (max-width: 860px) { .zf .widget-tab .lm-TabBar-tab { padding: 0 9px !important; } }
"""


def style_sheet() -> W.HTML:
    """The style as a widget; each viewer carries its own, so that it looks right wherever it is shown."""
    sheet = W.HTML(f"<style>{CSS}{UNIT_CSS}</style>")
    sheet.layout.display = "none"
    return sheet


def number(value: float) -> str:
    """Three digits, for a person.

    Examples
    --------
    >>> number(0.98765), number(1234.5), number(-0.25)
    ('0.988', '1234', '−0.250')
    """
    if value != 0 and abs(value) < 0.001:
        return printed(value, ".2e")
    return printed(value, f".{3 if abs(value) < 10 else 1 if abs(value) < 1000 else 0}f")


def printed(value: float, form: str) -> str:
    """A number as `format` writes it, but with a true minus, which is as wide as a plus; a hyphen is half of that.

    Examples
    --------
    >>> printed(-0.5, ".2f"), printed(0.5, "+.2f"), printed(-0.001, ".2f")
    ('−0.50', '+0.50', '0.00')
    """
    written = format(value, form)
    if not any(digit in written for digit in "123456789"):
        written = format(0.0, form)  # nothing is less than zero by nothing
    return written.replace("-", "\N{MINUS SIGN}")


def breakable(name: str) -> str:
    """A name of a nested module, as HTML: long ones break after a dot or an underscore.

    Examples
    --------
    >>> breakable("features.3")
    'features.<wbr>3'
    """
    return escape(name).replace(".", ".<wbr>").replace("_", "_<wbr>")


def duration(seconds: float) -> str:
    """A time that lies ahead, for a person.

    Examples
    --------
    >>> [duration(time) for time in (0.34, 7.2, 48, 119, 5000, 40000)]
    ['0.3 s', '7 s', '48 s', '2 min', '83 min', '11 h']
    """
    if seconds < 90:
        return f"{seconds:.{0 if seconds >= 5 else 1}f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.0f} h"


def colour_bar(low: float, high: float, unit: str) -> str:
    """Viridis with its range, as HTML."""
    return (
        f'<div class="zf-scale"><span>{number(low)}</span><i style="background:{_GRADIENT}"></i>'
        f"<span>{number(high)}</span></div><div>{escape(unit)}</div>"
    )


def signed(value: float) -> str:
    """A difference with its sign, three digits.

    Examples
    --------
    >>> signed(0.25), signed(-0.25)
    ('+0.250', '−0.250')
    """
    return f"{'' if value < 0 else '+'}{number(value)}"


def signed_bar(limit: float, unit: str) -> str:
    """Blue to red about zero with its range, as HTML."""
    return (
        f'<div class="zf-scale"><span>{signed(-limit)}</span><i style="background:{_SIGNED}"></i>'
        f"<span>{signed(limit)}</span></div><div>{escape(unit)}</div>"
    )


def legend(entries: tuple[tuple[str, str, int], ...]) -> str:
    """Names with their colours and shares, as HTML."""
    total = sum(count for _, _, count in entries) or 1
    items = (
        f'<span><i style="background:{colour}"></i>{escape(name)} {_share(count / total)}</span>'
        for name, colour, count in entries
    )
    return f'<div class="zf-legend">{"".join(items)}</div>'


def _share(share: float) -> str:
    """In whole percent; what is there at all is not none.

    Examples
    --------
    >>> _share(0.0), _share(0.004), _share(0.006), _share(1.0)
    ('0 %', 'under 1 %', '1 %', '100 %')
    """
    return "under 1 %" if 0 < share < 0.005 else f"{100 * share:.0f} %"


def bars(rows: list[tuple[str, float, float]]) -> str:
    """Name, value now and value of the whole picture, as HTML bars; a dark tick marks the latter."""
    cells = (
        f'<b title="{escape(name)}">{escape(name)}</b><div class="zf-track">'
        f'<i style="width:{100 * now:.1f}%"></i><u style="left:calc({100 * clean:.1f}% - 1px)"></u></div>'
        f"<em>{now:.3f}</em>"
        for name, now, clean in rows
    )
    return f'<div class="zf-bars">{"".join(cells)}</div>'
