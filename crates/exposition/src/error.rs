//! Errors of a metrics page, and their positions.

/// Why a metrics page is rejected, and where.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("line {line}, column {column}: {kind}")]
pub struct ParseError {
    /// Line, from 1.
    pub line: usize,
    /// Byte in the line, from 1.
    pub column: usize,
    /// What is wrong.
    pub kind: ErrorKind,
}

/// What is wrong with a metrics page.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ErrorKind {
    /// The metrics page is longer than [`Limits::body_bytes`](crate::Limits::body_bytes).
    #[error("the metrics page is longer than {limit} bytes; raise body_size_limit or have the target export less")]
    BodyLimit {
        /// The limit in bytes.
        limit: usize,
    },
    /// A line is longer than [`Limits::line_bytes`](crate::Limits::line_bytes).
    #[error(
        "the line is longer than {limit} bytes; shorten the labels at the target, or raise body_size_limit, which raises this too"
    )]
    LineLimit {
        /// The limit in bytes.
        limit: usize,
    },
    /// The metrics page has more samples than [`Limits::samples`](crate::Limits::samples).
    #[error("the metrics page has more than {limit} samples; raise sample_limit or have the target export less")]
    SampleLimit {
        /// The limit.
        limit: usize,
    },
    /// A sample has more labels than [`Limits::labels`](crate::Limits::labels).
    #[error("the sample has more than {limit} labels; raise label_limit or drop labels at the target")]
    LabelLimit {
        /// The limit.
        limit: usize,
    },
    /// A metric's or a label's name is longer than [`Limits::name_bytes`](crate::Limits::name_bytes).
    #[error(
        "the name {name:?}… is longer than {limit} bytes; raise label_name_length_limit or shorten it at the target"
    )]
    NameLimit {
        /// The limit in bytes.
        limit: usize,
        /// The first 64 characters.
        name: String,
    },
    /// A label's value is longer than [`Limits::value_bytes`](crate::Limits::value_bytes).
    #[error(
        "the value of label {name:?} is longer than {limit} bytes; raise label_value_length_limit or shorten it at the target"
    )]
    ValueLimit {
        /// The limit in bytes.
        limit: usize,
        /// The first 64 characters of the label's name.
        name: String,
    },
    /// The metrics page is not UTF-8.
    #[error("the metrics page is not UTF-8; have the target encode label values and help texts as UTF-8")]
    Utf8,
    /// Something else was expected at this position.
    #[error("expected {0}")]
    Expected(&'static str),
    /// A sample value that is not a decimal number, `NaN` or infinity, or that is out of range for a 64-bit float.
    #[error("{0:?} is not a value; write a decimal number, NaN, +Inf or -Inf")]
    Value(String),
    /// A timestamp in a form that the format does not have.
    #[error("{0:?} is not a timestamp; write whole milliseconds in Prometheus text, seconds in OpenMetrics")]
    Timestamp(String),
    /// A backslash before a character that is never escaped.
    #[error("\\{0} is not an escape sequence; only \\\\, \\\" and \\n are")]
    Escape(char),
    /// A label that appears twice in one sample.
    #[error("the label {0:?} is given twice; a sample may have each label once")]
    DuplicateLabel(String),
    /// A label name that the format reserves.
    #[error("the label name {0:?} is reserved; rename the label at the target")]
    ReservedLabel(String),
    /// A `# TYPE` line with an unknown type.
    #[error("{0:?} is not a metric type of this format")]
    Type(String),
    /// A violation of a rule that spans several lines.
    #[error("family {family:?}: {rule}")]
    Rule {
        /// The first 64 characters of the family's name.
        family: String,
        /// The violation, as a predicate of the family.
        rule: &'static str,
    },
    /// An OpenMetrics page without `# EOF` at its end.
    #[error("the metrics page does not end with # EOF; it is truncated or not OpenMetrics")]
    MissingEof,
}

impl ErrorKind {
    /// The error at a position of the page.
    pub(crate) fn at(self, line: usize, column: usize) -> ParseError {
        ParseError { line, column, kind: self }
    }
}

/// The first 64 characters of untrusted text, for messages.
pub(crate) fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}
