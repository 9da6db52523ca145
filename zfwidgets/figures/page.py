"""One page with all figures that were made: for each the paper's claim, the verdicts, the picture, the numbers."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from zfwidgets.figures.result import Claim, PaperFigure, Table

__all__ = ["counted", "page"]

_KINDS = {True: "yes", False: "no", None: "even"}

_STYLE = """
:root { color-scheme: light dark; --ink: #1c1c1c; --soft: #595959; --line: #dcdcdc; --paper: #fff; --wash: #f5f6f8;
  --yes: #00785a; --no: #b2451a; --link: #1f66a3; }
@media (prefers-color-scheme: dark) { :root { --ink: #ececec; --soft: #a9adb3; --line: #3a3d42; --paper: #16181b;
  --wash: #202327; --yes: #4fc3a1; --no: #f0946c; --link: #7db8ea; } .picture { filter: brightness(.9); } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 20px 20px 60px; max-width: 1240px; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; font-variant-numeric: tabular-nums; }
h1 { font-size: 24px; margin: 0 0 4px; line-height: 1.25; } h2 { font-size: 19px; margin: 0 0 10px; line-height: 1.3; }
a { color: var(--link); } a:focus-visible, summary:focus-visible { outline: 2px solid #ff7f0e; outline-offset: 2px; }
.soft { color: var(--soft); } p { margin: 0 0 10px; }
nav { display: flex; flex-wrap: wrap; gap: 8px; margin: 16px 0 8px; padding: 0; }
nav a { display: block; padding: 7px 12px; min-height: 38px; border: 1px solid var(--line); border-radius: 6px;
  background: var(--wash); color: var(--ink); text-decoration: none; }
nav a:hover { border-color: var(--link); }
nav b { font-weight: 600; color: var(--yes); } nav b.no { color: var(--no); }
article { display: grid; grid-template-columns: minmax(0, 5fr) minmax(0, 7fr); gap: 10px 32px; align-items: start;
  border-top: 1px solid var(--line); padding: 26px 0 22px; scroll-margin-top: 8px; }
article h2 { grid-column: 1 / -1; margin: 0; }
.picture { background: #fff; border: 1px solid var(--line); border-radius: 6px; padding: 10px; display: block; }
.picture img { display: block; width: 100%; height: auto; }
ul { list-style: none; margin: 0 0 12px; padding: 0; } li { margin: 0 0 8px; padding-left: 12px;
  border-left: 3px solid var(--line); overflow-wrap: anywhere; }
li b { font-weight: 600; } li.yes { border-color: var(--yes); } li.yes b { color: var(--yes); }
li.no { border-color: var(--no); } li.no b { color: var(--no); } li.even b { color: var(--soft); }
details { grid-column: 1 / -1; } summary { cursor: pointer; padding: 6px 0; color: var(--link); }
.rows { overflow-x: auto; } table { border-collapse: collapse; font-size: 14px; }
th, td { text-align: right; padding: 4px 14px 4px 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } th { color: var(--soft); font-weight: 500; }
@media (max-width: 820px) { article { grid-template-columns: minmax(0, 1fr); } }
@media (max-width: 480px) { body { padding: 14px 12px 40px; } .picture { padding: 4px; } }
"""


def page(made: Mapping[str, PaperFigure], network: str) -> str:
    """The page as HTML; pictures lie beside it, each under its name with ``.png``.

    Parameters
    ----------
    made : mapping of str to PaperFigure
        Names to figures, in the order of the paper.
    network : str
        Whose they are.

    Examples
    --------
    >>> page({}, "zfnet-scenes").splitlines()[0]
    '<!DOCTYPE html>'
    """
    claims = [claim for figure in made.values() for claim in figure.claims]
    title = "Visualizing and Understanding Convolutional Networks, made again"
    links = "".join(_link(name, figure) for name, figure in made.items())
    articles = "\n".join(_article(name, figure) for name, figure in made.items())
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{_STYLE}</style>
</head>
<body>
<header>
<h1>{title}</h1>
<p class="soft">The figures and tables of Zeiler and Fergus (2014), from {escape(network)} and the networks that come
with zfwidgets. {counted(claims)} Small networks on drawn scenes are not ImageNet: what does not agree is said.</p>
<nav aria-label="Figures">{links}</nav>
</header>
<main>
{articles}
</main>
</body>
</html>
"""


def counted(claims: list[Claim]) -> str:
    """How many claims agree, as a sentence.

    Examples
    --------
    >>> counted([Claim("a", "1", True), Claim("b", "2", True), Claim("c", "3", False), Claim("d", "4", None)])
    'Of 3 claims 2 agree and 1 does not; 1 more has no verdict.'
    """
    agree, against, even = (sum(claim.agrees is kind for claim in claims) for kind in (True, False, None))
    if agree + against == 0:
        return "No claim has a verdict."
    more = "" if not even else f"; {even} more {'has' if even == 1 else 'have'} no verdict"
    yes, no = "agrees" if agree == 1 else "agree", "does not" if against == 1 else "do not"
    return f"Of {agree + against} claims {agree} {yes} and {against} {no}{more}."


def _link(name: str, figure: PaperFigure) -> str:
    agree = sum(claim.agrees is True for claim in figure.claims)
    asked = sum(claim.agrees is not None for claim in figure.claims)
    number = figure.title.partition(":")[0]
    kind = "" if agree == asked else ' class="no"'
    said = f"{agree} of {asked}" if asked else "open"
    words = f"{number}: {agree} of {asked} claims agree" if asked else f"{number}: no claim has a verdict"
    return f'<a href="#{name}" aria-label="{escape(words)}">{escape(number)} <b{kind}>{said}</b></a>'


def _article(name: str, figure: PaperFigure) -> str:
    height, width = figure.picture.shape[:2]
    claims = "".join(
        f'<li class="{_KINDS[claim.agrees]}"><b>{claim.verdict}</b>: {escape(claim.words)}</li>'
        for claim in figure.claims
    )
    table = (
        ""
        if figure.table is None
        else f"<details><summary>The numbers as text</summary>{_table(figure.table)}</details>"
    )
    return f"""<article id="{name}">
<h2>{escape(figure.title)}</h2>
<div>
<p><b>In the paper.</b> {escape(figure.paper)}</p>
<ul>{claims}</ul>
<p class="soft">{escape(figure.ours)}</p>
</div>
<a class="picture" href="{name}.png"><img src="{name}.png" width="{width}" height="{height}" loading="lazy"
 alt="{escape(figure.title)}. {escape(figure.ours)}"></a>
{table}
</article>"""


def _table(table: Table) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in table.head)
    rows = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows)
    return f'<div class="rows"><table><tr>{head}</tr>{rows}</table></div>'
