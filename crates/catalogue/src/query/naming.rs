//! How the lines of a recipe are named.

/// How the lines of a recipe are named.
pub(super) struct LineNaming<'a> {
    /// The line's name; empty if the shape names its lines.
    pub(super) line: &'a str,
    /// Whether it is a limit: details draw only its highest value, once.
    pub(super) is_limit: bool,
    /// Whether the graph has other lines, so that details keep the line's name.
    pub(super) has_siblings: bool,
    /// The engine's title, if several engines feed the graph.
    pub(super) engine: &'a str,
}

impl LineNaming<'_> {
    /// No names, for expressions that are no lines.
    pub(super) const NONE: Self = Self { line: "", is_limit: false, has_siblings: false, engine: "" };
}
