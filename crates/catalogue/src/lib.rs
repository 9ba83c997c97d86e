//! What to draw: sections, graphs, recipes and engines.
