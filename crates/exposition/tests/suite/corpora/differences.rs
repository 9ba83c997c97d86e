//! Every case of other projects' suites that this crate decides differently, and why.

/// A case that is decided differently on purpose.
pub(crate) struct Difference {
    /// The suite.
    pub suite: &'static str,
    /// The metrics pages that it applies to.
    pages: PageMatcher,
    /// Why.
    #[expect(dead_code, reason = "for the reader")]
    reason: &'static str,
}

enum PageMatcher {
    Equals(&'static str),
    Contains(&'static str),
}

impl Difference {
    /// Whether it applies to `page`.
    pub(crate) fn applies_to(&self, page: &[u8]) -> bool {
        let page = String::from_utf8_lossy(page);
        match self.pages {
            PageMatcher::Equals(text) => page == text,
            PageMatcher::Contains(text) => page.contains(text),
        }
    }
}

/// The differences.
pub(crate) const DIFFERENCES: &[Difference] = &[
    Difference {
        suite: "textparse",
        pages: PageMatcher::Equals("# EOF"),
        reason: "a page without samples; upstream's test reads to the end, and takes the end for the expected error",
    },
    Difference { suite: "textparse", pages: PageMatcher::Equals("# EOF\n"), reason: "as above" },
    Difference {
        suite: "textparse",
        pages: PageMatcher::Contains("# HELP help2 escape \\ \\n \\\\ \\\" \\x chars"),
        reason: "families in pieces, exemplars on counts and infos without _info: accepted by Prometheus, but \
                 rejected by OpenMetrics, its suite and the Python client",
    },
    Difference {
        suite: "textparse",
        pages: PageMatcher::Contains("{\"go.gc_duration_seconds_created\"} 1520872607.123"),
        reason: "a repeated series and families in pieces, as above",
    },
    Difference {
        suite: "client_python_openmetrics_cases.json",
        pages: PageMatcher::Contains("\nnativehistogram {count:24,sum:100"),
        reason: "a native histogram without labels, which the client reads; it is recorded as rejected because the \
                 recorder failed to print it",
    },
    Difference {
        suite: "client_python_openmetrics_cases.json",
        pages: PageMatcher::Contains("\nnhsp {count:4,sum:6"),
        reason: "as above",
    },
    Difference {
        suite: "client_python_openmetrics_cases.json",
        pages: PageMatcher::Contains("\n{\"native{histogram\"} {count:24,sum:100"),
        reason: "as above",
    },
];
