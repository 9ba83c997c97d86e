//! Every case of others' suites that is decided differently here, and why.

/// A case decided differently on purpose.
pub(crate) struct Difference {
    /// The suite.
    pub suite: &'static str,
    /// The page, or a text that only pages of this kind contain.
    page: Page,
    /// Why.
    #[expect(dead_code, reason = "for the reader")]
    reason: &'static str,
}

enum Page {
    Whole(&'static str),
    With(&'static str),
}

impl Difference {
    /// Whether it is about this page.
    pub(crate) fn is_about(&self, page: &[u8]) -> bool {
        let page = String::from_utf8_lossy(page);
        match self.page {
            Page::Whole(text) => page == text,
            Page::With(text) => page.contains(text),
        }
    }
}

/// The differences.
pub(crate) const DIFFERENCES: &[Difference] = &[
    Difference {
        suite: "textparse",
        page: Page::Whole("# EOF"),
        reason: "a page without samples; upstream's test reads to the end, and reports the end as the error expected",
    },
    Difference { suite: "textparse", page: Page::Whole("# EOF\n"), reason: "as the one before" },
    Difference {
        suite: "textparse",
        page: Page::With("# HELP help2 escape \\ \\n \\\\ \\\" \\x chars"),
        reason: "families printed in pieces, exemplars on counts and infos without _info: accepted by Prometheus, but \
                 against OpenMetrics, as the OpenMetrics suite and the Python client have it",
    },
    Difference {
        suite: "textparse",
        page: Page::With("{\"go.gc_duration_seconds_created\"} 1520872607.123"),
        reason: "a series printed twice and families in pieces: as the one before",
    },
    Difference {
        suite: "client_python_openmetrics_cases.json",
        page: Page::With("\nnativehistogram {count:24,sum:100"),
        reason: "a native histogram without labels, which the client reads; it was recorded as refused because printing \
                 it for the record failed",
    },
    Difference {
        suite: "client_python_openmetrics_cases.json",
        page: Page::With("\nnhsp {count:4,sum:6"),
        reason: "as the one before",
    },
    Difference {
        suite: "client_python_openmetrics_cases.json",
        page: Page::With("\n{\"native{histogram\"} {count:24,sum:100"),
        reason: "as the one before",
    },
];
