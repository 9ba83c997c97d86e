//! What came of a row: whether it holds, and the figures.
use std::fmt;

/// Whether a row holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    Pass,
    Fail,
    /// It cannot be tried here.
    Skipped,
    /// Another test of the repository tries it.
    Elsewhere,
}

/// The outcome of one row.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) verdict: Verdict,
    /// The figure of the companion, and those of peers.
    figures: Vec<String>,
}

impl Outcome {
    pub(crate) fn pass(figure: impl Into<String>) -> Self {
        Self { verdict: Verdict::Pass, figures: vec![figure.into()] }
    }

    pub(crate) fn fail(figure: impl Into<String>) -> Self {
        Self { verdict: Verdict::Fail, ..Self::pass(figure) }
    }

    pub(crate) fn skipped(why: impl Into<String>) -> Self {
        Self { verdict: Verdict::Skipped, ..Self::pass(why) }
    }

    /// A row that the test at `path` tries.
    pub(crate) fn elsewhere(path: &str) -> Self {
        Self { verdict: Verdict::Elsewhere, ..Self::pass(path) }
    }

    /// Passes if `holds`.
    pub(crate) fn of(holds: bool, figure: impl Into<String>) -> Self {
        if holds { Self::pass(figure) } else { Self::fail(figure) }
    }

    /// Adds the figure of a peer; none if it is not installed.
    pub(crate) fn beside(mut self, peer: &str, figure: Option<String>) -> Self {
        self.figures.extend(figure.map(|figure| format!("{peer}: {figure}")));
        self
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pass => "pass",
            Self::Fail => "FAIL",
            Self::Skipped => "skipped",
            Self::Elsewhere => "elsewhere",
        })
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.figures.join(" | ").replace('\n', " "))
    }
}
