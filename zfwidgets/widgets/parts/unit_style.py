"""The look of what shows one unit: the graph of the layers, the steps of the deconvnet, and the rule lab."""

__all__ = ["UNIT_CSS"]

UNIT_CSS = """
.zf-layers { flex: 1 1 440px; min-width: 0; max-width: 640px; }
.zf-deconv { flex: 1 1 430px; min-width: 0; max-width: 520px; }
.zf-graph-scroll { max-height: 680px; overflow-y: auto !important; overflow-x: hidden !important; width: 100%;
  border-top: 1px solid var(--zf-line); }
.zf-graph { position: relative; width: 100%; flex: none; }
.zf-graph > .widget-html, .zf-graph > .widget-html > .widget-html-content { width: 100%; }
.zf-graph-lines { position: absolute; left: 0; top: 0; } .zf-graph-edges { fill: none; stroke: var(--zf-soft); }
.zf-graph polygon, .zf-graph rect { stroke: var(--zf-paper); stroke-width: .5; }
.zf-graph-rows > div { display: grid; grid-template-columns: 1.55fr 1fr .9fr; gap: 0 8px; align-items: center;
  box-sizing: border-box; border-bottom: 1px solid var(--zf-line); line-height: 1.25; overflow: hidden; }
.zf-graph-rows span { min-width: 0; white-space: nowrap; font-variant-numeric: tabular-nums; }
.zf-graph-rows b, .zf-graph-rows small { display: block; overflow: hidden; text-overflow: ellipsis;
  white-space: nowrap; }
.zf-graph-rows b { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; white-space: normal;
  overflow-wrap: anywhere; line-height: 1.1; }
.zf-versus td + td { padding-left: 8px; } .zf-versus tr + tr th { border-top: 1px solid var(--zf-line); }
.zf-graph-rows small { color: var(--zf-soft); font-size: 11px; }
.zf-graph-rows span:first-child:not(.zf-long) small { display: -webkit-box; -webkit-box-orient: vertical;
  -webkit-line-clamp: 2; white-space: normal; line-height: 1.15; }
.zf-graph-rows i { display: block; font-style: normal; font-size: 12px; text-align: right; padding: 0 4px;
  background: linear-gradient(90deg, rgba(42,120,142,.38) var(--zf-share), transparent var(--zf-share)); }
.zf-graph-rows i + i { background: linear-gradient(90deg, rgba(122,94,168,.38) var(--zf-share),
  transparent var(--zf-share)); }
.zf-graph-head { display: flex; justify-content: space-between; gap: 10px; font-size: 11px; color: var(--zf-soft); }
.zf .zf-graph .widget-toggle-buttons { position: absolute; inset: 0; margin: 0; width: 100%; height: 100%; }
.zf .zf-graph .widget-toggle-buttons > .widget-label { display: none; }
.zf .zf-graph .widget-toggle-buttons > div { position: absolute; inset: 0; margin: 0; padding: 0; }
.zf .zf-graph .widget-toggle-button { position: absolute; left: 0; width: 100%; margin: 0; padding: 0; min-height: 0;
  border: 0; background: transparent; color: transparent; box-shadow: none; border-radius: 3px; }
.zf .zf-graph .widget-toggle-button:hover { background: rgba(128,128,128,.14); }
.zf .zf-graph .widget-toggle-button.mod-active { background: rgba(255,127,14,.13);
  box-shadow: inset 4px 0 0 var(--zf-accent); }
.zf .zf-graph .widget-toggle-button:focus-visible { outline-offset: -2px; }
.zf-stage, .zf-stages { display: flex; flex-flow: row wrap; gap: 10px; align-items: center; }
.zf-stage figure, .zf-stages figure { margin: 0; } .zf-stages { gap: 8px; margin-top: 8px; }
.zf-stage img, .zf-stages img { display: block; image-rendering: pixelated; object-fit: contain; background: #808080; }
.zf-stage { align-items: flex-start; min-height: 200px; }
.zf-stage figcaption, .zf-stages figcaption { font-size: 11px; color: var(--zf-soft); max-width: 168px; }
.zf-stages figcaption { max-width: 72px; padding-top: 4px; overflow: hidden; text-overflow: ellipsis;
  white-space: nowrap; }
.zf-stages .zf-now img { outline: 3px solid var(--zf-accent); outline-offset: 1px; }
.zf-stages .zf-now figcaption { color: var(--zf-ink); font-weight: 600; }
.zf-arrow { text-align: center; font-weight: 600; align-self: center; } .zf .zf-arrow img { margin: auto; }
.zf-arrow figcaption { font-weight: 400; } .zf-said { margin: 6px 0 0; min-height: 53px; }
.zf-lab { flex: 1 1 560px; min-width: 0; max-width: 900px; gap: 6px; transition: opacity .15s; }
.zf-stale .zf-lab { opacity: .62; }
.zf-lab > .widget-html, .zf-lab > .widget-html > .widget-html-content { width: 100%; }
.zf-lab .zf-said { min-height: 0; margin: 2px 0; } .zf-lab .zf-stages { margin-top: 0; }
.zf .zf-lab .zf-heading { max-width: 100%; }
.zf-lab > .widget-html ~ .widget-html .zf-heading { margin-top: 8px; }
.zf-ways { display: grid; grid-template-columns: repeat(auto-fill, 148px); gap: 12px 16px; }
.zf-ways figure { margin: 0; font-size: 12px; } .zf-ways figure > b { display: block; padding-bottom: 3px; }
.zf-ways img, .zf-random img { display: block; image-rendering: pixelated; object-fit: contain; background: #808080; }
.zf-ways figcaption { padding-top: 4px; font-variant-numeric: tabular-nums; }
.zf-ways figcaption span { display: flex; justify-content: space-between; } .zf-ways b { font-weight: 600; }
.zf-ways small { display: block; color: var(--zf-soft); font-size: 11px; line-height: 1.3; padding-top: 3px; }
.zf-check { display: flex; flex-flow: row wrap; gap: 14px 16px; align-items: flex-start; width: 100%; }
.zf-check > .zf-checked { flex: 1 1 320px; min-width: 0; gap: 4px; }
.zf-random figcaption { max-width: 88px; padding-top: 4px; overflow: visible;
  font-variant-numeric: tabular-nums; white-space: normal; }
.zf-random figcaption span { float: right; padding-left: 4px; }
.zf-random figcaption b { font-weight: 400; overflow-wrap: anywhere; } .zf-random { align-items: start; }
@container zf (max-width: 608px) {
  .zf-graph-rows > div { grid-template-columns: 1.05fr 1.3fr .8fr; gap: 0 4px; }
  .zf-graph-rows .zf-long b { font-size: 12px; -webkit-line-clamp: 3; } .zf-graph-rows .zf-long small { display: none; }
}
"""
