//! Why a page is refused, and where.

/// A refused page: the first offence in it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("line {line}, column {column}: {kind}")]
pub struct ParseError {
    /// Line of the offence, from 1.
    pub line: usize,
    /// Byte within the line, from 1.
    pub column: usize,
    /// What is wrong.
    pub kind: ErrorKind,
}

/// What is wrong with a page.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ErrorKind {
    /// The page is longer than [`Limits::body_bytes`](crate::Limits::body_bytes).
    #[error("the page is longer than {limit} bytes; raise the body limit or have the target export less")]
    BodyLimit {
        /// The limit in bytes.
        limit: usize,
    },
    /// A line is longer than [`Limits::line_bytes`](crate::Limits::line_bytes).
    #[error("the line is longer than {limit} bytes; raise the line limit or shorten the labels at the target")]
    LineLimit {
        /// The limit in bytes.
        limit: usize,
    },
    /// The page has more samples than [`Limits::samples`](crate::Limits::samples).
    #[error("the page has more than {limit} samples; raise the sample limit or have the target export less")]
    SampleLimit {
        /// The limit.
        limit: usize,
    },
    /// A sample has more labels than [`Limits::labels`](crate::Limits::labels).
    #[error("the sample has more than {limit} labels; raise the label limit or drop labels at the target")]
    LabelLimit {
        /// The limit.
        limit: usize,
    },
    /// A metric's or a label's name is longer than [`Limits::name_bytes`](crate::Limits::name_bytes).
    #[error("the name {name:?}… is longer than {limit} bytes; shorten it at the target")]
    NameLimit {
        /// The limit in bytes.
        limit: usize,
        /// The first 64 characters.
        name: String,
    },
    /// A label's value is longer than [`Limits::value_bytes`](crate::Limits::value_bytes).
    #[error("the value of label {name:?} is longer than {limit} bytes; shorten it at the target")]
    ValueLimit {
        /// The limit in bytes.
        limit: usize,
        /// The label's name, at most 64 characters of it.
        name: String,
    },
    /// The page is not UTF-8.
    #[error("the page is not UTF-8; have the target encode label values and help texts as UTF-8")]
    Utf8,
    /// Something else was due at this place.
    #[error("expected {0}")]
    Expected(&'static str),
    /// A sample value that is no decimal number, `NaN` or infinity, or that no 64-bit float can hold.
    #[error("{0:?} is not a value; write a decimal number, NaN, +Inf or -Inf")]
    Value(String),
    /// A timestamp that is no number of the format's kind.
    #[error("{0:?} is not a timestamp; write whole milliseconds in Prometheus text, seconds in OpenMetrics")]
    Timestamp(String),
    /// A backslash followed by a character that needs none.
    #[error("\\{0} is no escape sequence; only \\\\, \\\" and \\n are")]
    Escape(char),
    /// A name with characters it may hold only in quotes.
    #[error("{0:?} is not a name here; names other than letters, digits, _ and : must stand in quotes")]
    Name(String),
    /// The same label twice in one sample.
    #[error("the label {0:?} is given twice; a sample may have each label once")]
    DuplicateLabel(String),
    /// A label name that the format keeps for itself.
    #[error("the label name {0:?} is reserved; rename the label at the target")]
    ReservedLabel(String),
    /// A `# TYPE` that names no type of the format.
    #[error("{0:?} is not a metric type of this format")]
    Type(String),
    /// A rule of the format that concerns more than the letters of one line.
    #[error("family {family:?}: {rule}")]
    Rule {
        /// The family's name, at most 64 characters of it.
        family: String,
        /// The rule that is broken.
        rule: &'static str,
    },
    /// An OpenMetrics page without its end mark.
    #[error("the page does not end with # EOF; it was cut off, or it is not OpenMetrics")]
    Eof,
}

impl ErrorKind {
    /// Places the offence in its page.
    pub(crate) fn at(self, line: usize, column: usize) -> ParseError {
        ParseError { line, column, kind: self }
    }
}

/// As much of a hostile text as fits in a message.
pub(crate) fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}
