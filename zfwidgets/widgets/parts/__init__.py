"""Bricks that know no viewer: controls and figures, the look, values that are checked, the way to the page."""
