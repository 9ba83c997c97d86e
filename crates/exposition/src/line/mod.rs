//! The parser of single lines. Rules that span lines are in `validate`.
pub(crate) mod cursor;
pub(crate) mod escape;
pub(crate) mod labels;
pub(crate) mod native;
pub(crate) mod number;
pub(crate) mod sample;
pub(crate) mod time;

use crate::{
    error::{ErrorKind, shortened},
    family::Kind,
    format::Format,
    limits::Limits,
};
use cursor::Cursor;
use sample::{LabelBuffers, SampleLine};
use std::borrow::Cow;

/// An error in a line.
pub(crate) struct LineError {
    /// Byte in the line, from 0.
    pub offset: usize,
    pub kind: ErrorKind,
}

impl LineError {
    pub(crate) fn new(offset: usize, kind: ErrorKind) -> Self {
        Self { offset, kind }
    }
}

/// A parsed line.
pub(crate) enum Line<'b> {
    /// An empty line or a comment.
    Ignored,
    /// `# EOF`.
    Eof,
    /// `# TYPE`, `# HELP` or `# UNIT`.
    Metadata(MetadataLine<'b>),
    /// A sample; its labels are in the [`LabelBuffers`].
    Sample(SampleLine<'b>),
    /// A native histogram of the metric of that name. Its contents are not read.
    NativeHistogram(Cow<'b, str>),
}

/// A line with metadata of a family.
pub(crate) struct MetadataLine<'b> {
    pub keyword: Keyword,
    /// The family's name, unescaped.
    pub name: Cow<'b, str>,
    /// The rest of the line, still escaped.
    pub text: &'b str,
}

/// The kind of metadata.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keyword {
    Type(Kind),
    Help,
    Unit,
}

/// Parses single lines by the rules of one format.
#[derive(Clone, Copy)]
pub(crate) struct LineReader<'l> {
    pub format: Format,
    pub limits: &'l Limits,
}

impl LineReader<'_> {
    /// Parses `line`, which has no line feed.
    pub(crate) fn read<'b>(self, line: &'b str, buffers: &mut LabelBuffers<'b>) -> Result<Line<'b>, LineError> {
        let mut cursor = Cursor::new(line);
        if self.format == Format::OpenMetrics {
            return match line {
                "# EOF" => Ok(Line::Eof),
                _ if line.starts_with('#') => self.openmetrics_metadata(cursor),
                _ => self.sample(&mut cursor, buffers),
            };
        }
        cursor.skip_blanks();
        match cursor.peek() {
            None => Ok(Line::Ignored),
            Some(b'#') => self.text_metadata(cursor),
            Some(_) => self.sample(&mut cursor, buffers),
        }
    }

    /// `# KEYWORD name text` with single spaces; OpenMetrics has no other comments.
    fn openmetrics_metadata(self, mut cursor: Cursor<'_>) -> Result<Line<'_>, LineError> {
        const SHAPE: &str = "# TYPE, # HELP, # UNIT or # EOF, each part after a single space";
        cursor.advance("#".len());
        let keyword = if cursor.eat(b' ') { cursor.field() } else { "" };
        if !matches!(keyword, "TYPE" | "HELP" | "UNIT") || !cursor.eat(b' ') {
            return Err(LineError::new(0, ErrorKind::Expected(SHAPE)));
        }
        let name = self.family_name(&mut cursor)?;
        if !cursor.eat(b' ') {
            return Err(LineError::new(
                cursor.at(),
                ErrorKind::Expected("a single space and the text of the metadata"),
            ));
        }
        self.metadata(keyword, name, &cursor).map(Line::Metadata)
    }

    /// `# KEYWORD name text` with any blanks; every other comment is ignored.
    fn text_metadata(self, mut cursor: Cursor<'_>) -> Result<Line<'_>, LineError> {
        cursor.advance("#".len());
        cursor.skip_blanks();
        let keyword = match cursor.field() {
            "EOF" if self.format == Format::Text => return Ok(Line::Eof),
            keyword @ ("TYPE" | "HELP") => keyword,
            keyword @ "UNIT" if self.format == Format::Text => keyword,
            _ => return Ok(Line::Ignored),
        };
        cursor.skip_blanks();
        if cursor.is_at_end() {
            return Ok(Line::Ignored);
        }
        let name = match self.family_name(&mut cursor) {
            // Prometheus text has no units, so this is an ordinary comment.
            Err(_) if keyword == "UNIT" => return Ok(Line::Ignored),
            name => name?,
        };
        let blanks = cursor.skip_blanks();
        match (keyword, cursor.is_at_end()) {
            (_, false) if blanks == 0 => {
                Err(LineError::new(cursor.at(), ErrorKind::Expected("a space and the text of the metadata")))
            }
            ("HELP", true) if self.format == Format::StrictText => Ok(Line::Ignored),
            ("UNIT", true) => Ok(Line::Ignored),
            _ => self.metadata(keyword, name, &cursor).map(Line::Metadata),
        }
    }

    fn metadata<'b>(
        self,
        keyword: &str,
        name: Cow<'b, str>,
        cursor: &Cursor<'b>,
    ) -> Result<MetadataLine<'b>, LineError> {
        let text = cursor.rest();
        // Trailing blanks of a help text belong to it; elsewhere OpenMetrics has none.
        let is_exact = keyword == "HELP" || self.format == Format::OpenMetrics;
        let text = if is_exact { text } else { text.trim_end_matches([' ', '\t']) };
        let keyword = match keyword {
            "TYPE" => {
                let kind = Kind::from_text(text, self.format);
                Keyword::Type(kind.ok_or_else(|| LineError::new(cursor.at(), ErrorKind::Type(shortened(text))))?)
            }
            "HELP" => Keyword::Help,
            _ => Keyword::Unit,
        };
        Ok(MetadataLine { keyword, name, text })
    }

    fn family_name<'b>(self, cursor: &mut Cursor<'b>) -> Result<Cow<'b, str>, LineError> {
        let at = cursor.at();
        let name = match cursor.peek() {
            Some(b'"') => labels::quoted(cursor, self.format)?,
            _ => match cursor.metric_name() {
                "" => return Err(LineError::new(at, ErrorKind::Expected("a metric name"))),
                name => Cow::Borrowed(name),
            },
        };
        self.check_name(at, &name)?;
        Ok(name)
    }

    /// Rejects a name beyond the limit.
    pub(crate) fn check_name(self, at: usize, name: &str) -> Result<(), LineError> {
        let limit = self.limits.name_bytes;
        if name.len() > limit {
            return Err(LineError::new(at, ErrorKind::NameLimit { limit, name: shortened(name) }));
        }
        Ok(())
    }
}
