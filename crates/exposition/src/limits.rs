//! Limits on the size of a metrics page.

/// The largest metrics page that is accepted; a page beyond any of these limits is rejected as a whole. The defaults
/// bound the cost of a hostile target and are far above what exporters send.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Bytes of the page, after decompression.
    pub body_bytes: usize,
    /// Bytes of one line, without its line feed.
    pub line_bytes: usize,
    /// Samples of one page.
    pub samples: usize,
    /// Labels of one sample, without the metric's name.
    pub labels: usize,
    /// Bytes of a metric's or a label's name.
    pub name_bytes: usize,
    /// Bytes of a label's value.
    pub value_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 16 << 20,
            line_bytes: 1 << 20,
            samples: 50_000,
            labels: 64,
            name_bytes: 1 << 10,
            value_bytes: 4 << 10,
        }
    }
}
