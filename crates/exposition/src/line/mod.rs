//! One line of a page into its parts; what lines mean together is not known here.
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
use sample::{SampleLine, Scratch};
use std::borrow::Cow;

/// An offence and its byte within the line, from 0.
pub(crate) type Fault = (usize, ErrorKind);

/// A line's parts.
pub(crate) enum Line<'b> {
    /// An empty line, or a comment that says nothing of a family.
    Nothing,
    /// `# EOF`
    Eof,
    /// `# TYPE`, `# HELP` or `# UNIT`
    Metadata(Metadata<'b>),
    /// A sample; its labels are in the [`Scratch`].
    Sample(SampleLine<'b>),
    /// A native histogram of the metric of that name, which nothing here has a use for.
    NativeHistogram(Cow<'b, str>),
}

/// What is said of a family ahead of its samples.
pub(crate) struct Metadata<'b> {
    pub keyword: Keyword,
    /// The family's name, unescaped.
    pub name: Cow<'b, str>,
    /// The rest of the line, as written.
    pub text: &'b str,
}

/// What kind of metadata.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keyword {
    Type(Kind),
    Help,
    Unit,
}

/// Reads single lines by the rules of one format.
#[derive(Clone, Copy)]
pub(crate) struct LineReader<'l> {
    pub format: Format,
    pub limits: &'l Limits,
}

impl LineReader<'_> {
    /// Takes `line`, without its line feed, apart.
    pub(crate) fn read<'b>(self, line: &'b str, scratch: &mut Scratch<'b>) -> Result<Line<'b>, Fault> {
        let mut cursor = Cursor::new(line);
        if self.format == Format::OpenMetrics {
            return match line {
                "# EOF" => Ok(Line::Eof),
                _ if line.starts_with('#') => self.openmetrics_metadata(cursor),
                _ => self.sample(&mut cursor, scratch),
            };
        }
        cursor.skip_blanks();
        match cursor.peek() {
            None => Ok(Line::Nothing),
            Some(b'#') => self.text_metadata(cursor),
            Some(_) => self.sample(&mut cursor, scratch),
        }
    }

    /// `# KEYWORD name text`, single spaces, nothing else being a comment.
    fn openmetrics_metadata(self, mut cursor: Cursor<'_>) -> Result<Line<'_>, Fault> {
        const SHAPE: &str = "# TYPE, # HELP, # UNIT or # EOF, each part after a single space";
        cursor.advance("#".len());
        let keyword = if cursor.eat(b' ') { cursor.field() } else { "" };
        if !matches!(keyword, "TYPE" | "HELP" | "UNIT") || !cursor.eat(b' ') {
            return Err((0, ErrorKind::Expected(SHAPE)));
        }
        let name = self.family_name(&mut cursor)?;
        if !cursor.eat(b' ') {
            return Err((cursor.at(), ErrorKind::Expected("a single space and the text of the metadata")));
        }
        self.metadata(keyword, name, &cursor).map(Line::Metadata)
    }

    /// `# KEYWORD name text` with any blanks; every other comment is nothing.
    fn text_metadata(self, mut cursor: Cursor<'_>) -> Result<Line<'_>, Fault> {
        cursor.advance("#".len());
        cursor.skip_blanks();
        let keyword = match cursor.field() {
            "EOF" if self.format == Format::Text => return Ok(Line::Eof),
            keyword @ ("TYPE" | "HELP") => keyword,
            keyword @ "UNIT" if self.format == Format::Text => keyword,
            _ => return Ok(Line::Nothing),
        };
        cursor.skip_blanks();
        if cursor.is_at_end() {
            return Ok(Line::Nothing);
        }
        let name = match self.family_name(&mut cursor) {
            // Prometheus text has no units: there, this is a comment that only looks like one.
            Err(_) if keyword == "UNIT" => return Ok(Line::Nothing),
            name => name?,
        };
        let blanks = cursor.skip_blanks();
        match (keyword, cursor.is_at_end()) {
            (_, false) if blanks == 0 => {
                Err((cursor.at(), ErrorKind::Expected("a space and the text of the metadata")))
            }
            ("HELP", true) if self.format == Format::StrictText => Ok(Line::Nothing),
            ("UNIT", true) => Ok(Line::Nothing),
            _ => self.metadata(keyword, name, &cursor).map(Line::Metadata),
        }
    }

    fn metadata<'b>(self, keyword: &str, name: Cow<'b, str>, cursor: &Cursor<'b>) -> Result<Metadata<'b>, Fault> {
        let text = cursor.rest();
        // Blanks at the end of a help text may be meant, and OpenMetrics has none elsewhere.
        let is_exact = keyword == "HELP" || self.format == Format::OpenMetrics;
        let text = if is_exact { text } else { text.trim_end_matches([' ', '\t']) };
        let keyword = match keyword {
            "TYPE" => {
                let kind = Kind::from_text(text, self.format);
                Keyword::Type(kind.ok_or_else(|| (cursor.at(), ErrorKind::Type(shortened(text))))?)
            }
            "HELP" => Keyword::Help,
            _ => Keyword::Unit,
        };
        Ok(Metadata { keyword, name, text })
    }

    fn family_name<'b>(self, cursor: &mut Cursor<'b>) -> Result<Cow<'b, str>, Fault> {
        let at = cursor.at();
        let name = match cursor.peek() {
            Some(b'"') => labels::quoted(cursor, self.format)?,
            _ => match cursor.metric_name() {
                "" => return Err((at, ErrorKind::Expected("a metric name"))),
                name => Cow::Borrowed(name),
            },
        };
        self.check_name(at, &name)?;
        Ok(name)
    }

    /// Refuses a name beyond the limit.
    pub(crate) fn check_name(self, at: usize, name: &str) -> Result<(), Fault> {
        let limit = self.limits.name_bytes;
        if name.len() > limit {
            return Err((at, ErrorKind::NameLimit { limit, name: shortened(name) }));
        }
        Ok(())
    }
}
