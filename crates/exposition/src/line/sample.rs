//! A sample's line: which series, which value, when, and an exemplar.
use super::{
    Fault, Line, LineReader,
    cursor::Cursor,
    labels::{self, Label},
    native::is_native_histogram,
    number::parse_value,
    time::{Timestamp, parse_ms, parse_seconds},
};
use crate::{
    error::{ErrorKind, shortened},
    format::Format,
};
use std::borrow::Cow;

/// A sample line without its labels, which are in the [`Scratch`].
pub(crate) struct SampleLine<'b> {
    /// The metric's name, unescaped.
    pub name: Cow<'b, str>,
    /// Where in the line the value begins; what is before it tells the series.
    pub value_at: usize,
    pub point: Point,
}

/// What a line says of its series.
pub(crate) struct Point {
    pub value: f64,
    pub timestamp: Option<Timestamp>,
    /// Value and time of the exemplar, its labels being in the [`Scratch`].
    pub exemplar: Option<(f64, Option<Timestamp>)>,
}

/// Where a line's labels are put, so that no line allocates.
#[derive(Default)]
pub(crate) struct Scratch<'b> {
    pub labels: Vec<Label<'b>>,
    pub exemplar_labels: Vec<Label<'b>>,
}

impl LineReader<'_> {
    /// `name{labels} value timestamp # {labels} value timestamp`, most of it optional.
    pub(crate) fn sample<'b>(self, cursor: &mut Cursor<'b>, scratch: &mut Scratch<'b>) -> Result<Line<'b>, Fault> {
        let name = self.series(cursor, &mut scratch.labels)?;
        let value_at = cursor.at();
        if self.format == Format::OpenMetrics && cursor.peek() == Some(b'{') {
            if is_native_histogram(cursor.rest()) {
                return Ok(Line::NativeHistogram(name));
            }
            return Err((value_at, ErrorKind::Expected("a value or a native histogram")));
        }
        let point = self.point(cursor, &mut scratch.exemplar_labels)?;
        Ok(Line::Sample(SampleLine { name, value_at, point }))
    }

    /// The metric's name in what a sample line has before its value; the labels go into `labels`.
    pub(crate) fn series_of<'b>(self, text: &'b str, labels: &mut Vec<Label<'b>>) -> Result<Cow<'b, str>, Fault> {
        let mut cursor = Cursor::new(text);
        cursor.skip_blanks();
        self.series(&mut cursor, labels)
    }

    /// The metric's name; the labels go into `labels`. Leaves the cursor where the value begins.
    pub(crate) fn series<'b>(
        self,
        cursor: &mut Cursor<'b>,
        labels: &mut Vec<Label<'b>>,
    ) -> Result<Cow<'b, str>, Fault> {
        let at = cursor.at();
        let bare = cursor.metric_name();
        let mut name = (!bare.is_empty()).then_some(Cow::Borrowed(bare));
        let blanks = if self.format == Format::OpenMetrics { 0 } else { cursor.skip_blanks() };
        labels.clear();
        if cursor.eat(b'{') {
            labels::read(cursor, self, &mut name, labels)?;
            self.gap_after_brace(cursor)?;
        } else if name.is_none() {
            return Err((at, ErrorKind::Expected("a metric name, a comment or the end of the line")));
        } else if blanks == 0 && !cursor.eat(b' ') {
            return Err((cursor.at(), ErrorKind::Expected("a space or { after the metric name")));
        }
        let name = name.ok_or((at, ErrorKind::Expected("a metric name before or within the braces")))?;
        self.check_name(at, &name)?;
        Ok(name)
    }

    /// Value, timestamp and exemplar; the exemplar's labels go into `labels`.
    pub(crate) fn point<'b>(self, cursor: &mut Cursor<'b>, labels: &mut Vec<Label<'b>>) -> Result<Point, Fault> {
        let mut point = Point { value: read_value(cursor)?, timestamp: None, exemplar: None };
        if !self.next_field(cursor)? {
            return Ok(point);
        }
        if cursor.peek() != Some(b'#') {
            point.timestamp = Some(self.timestamp(cursor)?);
            if !self.next_field(cursor)? {
                return Ok(point);
            }
        }
        point.exemplar = Some(self.exemplar(cursor, labels)?);
        Ok(point)
    }

    fn exemplar<'b>(
        self,
        cursor: &mut Cursor<'b>,
        labels: &mut Vec<Label<'b>>,
    ) -> Result<(f64, Option<Timestamp>), Fault> {
        if self.format == Format::StrictText || !cursor.eat(b'#') {
            return Err((cursor.at(), ErrorKind::Expected("the end of the line")));
        }
        if !self.next_field(cursor)? || !cursor.eat(b'{') {
            return Err((cursor.at(), ErrorKind::Expected("the labels of an exemplar in braces")));
        }
        labels.clear();
        labels::read_exemplar(cursor, self, labels)?;
        self.gap_after_brace(cursor)?;
        let value = read_value(cursor)?;
        if !self.next_field(cursor)? {
            return Ok((value, None));
        }
        // Exemplars come from OpenMetrics, so their time is in seconds in Prometheus text too.
        let time = seconds(cursor)?;
        if self.next_field(cursor)? {
            return Err((cursor.at(), ErrorKind::Expected("the end of the line")));
        }
        Ok((value, Some(time)))
    }

    fn timestamp(self, cursor: &mut Cursor<'_>) -> Result<Timestamp, Fault> {
        if self.format == Format::OpenMetrics {
            return seconds(cursor);
        }
        let at = cursor.at();
        let text = cursor.field();
        parse_ms(text).ok_or_else(|| (at, ErrorKind::Timestamp(shortened(text))))
    }

    /// What parts a closing brace from a value: one space in OpenMetrics, any blanks or none in Prometheus text.
    fn gap_after_brace(self, cursor: &mut Cursor<'_>) -> Result<(), Fault> {
        if self.format != Format::OpenMetrics {
            cursor.skip_blanks();
        } else if !cursor.eat(b' ') {
            return Err((cursor.at(), ErrorKind::Expected("a single space after the closing brace")));
        }
        Ok(())
    }

    /// Goes to the next field of the line; false when there is none.
    fn next_field(self, cursor: &mut Cursor<'_>) -> Result<bool, Fault> {
        if self.format != Format::OpenMetrics {
            cursor.skip_blanks();
            return Ok(!cursor.is_at_end());
        }
        if cursor.is_at_end() {
            return Ok(false);
        }
        if !cursor.eat(b' ') || matches!(cursor.peek(), None | Some(b' ')) {
            return Err((cursor.at(), ErrorKind::Expected("a single space between fields and none at the end")));
        }
        Ok(true)
    }
}

fn read_value(cursor: &mut Cursor<'_>) -> Result<f64, Fault> {
    let at = cursor.at();
    let text = cursor.field();
    if text.is_empty() {
        return Err((at, ErrorKind::Expected("a value")));
    }
    parse_value(text.as_bytes()).ok_or_else(|| (at, ErrorKind::Value(shortened(text))))
}

fn seconds(cursor: &mut Cursor<'_>) -> Result<Timestamp, Fault> {
    let at = cursor.at();
    let text = cursor.field();
    parse_seconds(text).ok_or_else(|| (at, ErrorKind::Timestamp(shortened(text))))
}
