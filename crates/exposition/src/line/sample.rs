//! Parses sample lines: series, value, timestamp and exemplar.
use super::{
    Line, LineError, LineReader,
    cursor::Cursor,
    labels::{self, Label},
    native::is_native_histogram,
    number::parse_value,
    time::{parse_ms, parse_seconds},
};
use crate::{
    error::{ErrorKind, shortened},
    format::Format,
    timestamp::Timestamp,
};
use std::borrow::Cow;

/// A sample line. Its labels are in the [`LabelBuffers`].
pub(crate) struct SampleLine<'b> {
    /// The metric's name, unescaped.
    pub name: Cow<'b, str>,
    /// The offset of the value; the text before it identifies the series.
    pub value_at: usize,
    pub measurement: Measurement,
}

/// The part of a sample line after its series.
pub(crate) struct Measurement {
    pub value: f64,
    pub timestamp: Option<Timestamp>,
    /// Value and timestamp of the exemplar. Its labels are in the [`LabelBuffers`].
    pub exemplar: Option<(f64, Option<Timestamp>)>,
}

/// Buffers for a line's labels, reused so that lines do not allocate.
#[derive(Default)]
pub(crate) struct LabelBuffers<'b> {
    pub labels: Vec<Label<'b>>,
    pub exemplar_labels: Vec<Label<'b>>,
}

impl LineReader<'_> {
    /// `name{labels} value timestamp # {labels} value timestamp`; only the name and the first value are required.
    pub(crate) fn sample<'b>(
        self,
        cursor: &mut Cursor<'b>,
        buffers: &mut LabelBuffers<'b>,
    ) -> Result<Line<'b>, LineError> {
        let name = self.series(cursor, &mut buffers.labels)?;
        let value_at = cursor.at();
        if self.format == Format::OpenMetrics && cursor.peek() == Some(b'{') {
            if is_native_histogram(cursor.rest()) {
                return Ok(Line::NativeHistogram(name));
            }
            return Err(LineError::new(value_at, ErrorKind::Expected("a value or a native histogram")));
        }
        let measurement = self.measurement(cursor, &mut buffers.exemplar_labels)?;
        Ok(Line::Sample(SampleLine { name, value_at, measurement }))
    }

    /// The metric's name in `text`, the part of a sample line before its value. The labels go into `labels`.
    pub(crate) fn series_of<'b>(self, text: &'b str, labels: &mut Vec<Label<'b>>) -> Result<Cow<'b, str>, LineError> {
        let mut cursor = Cursor::new(text);
        cursor.skip_blanks();
        self.series(&mut cursor, labels)
    }

    /// The metric's name. The labels go into `labels`. Leaves the cursor at the value.
    pub(crate) fn series<'b>(
        self,
        cursor: &mut Cursor<'b>,
        labels: &mut Vec<Label<'b>>,
    ) -> Result<Cow<'b, str>, LineError> {
        let at = cursor.at();
        let bare = cursor.metric_name();
        let mut name = (!bare.is_empty()).then_some(Cow::Borrowed(bare));
        let blanks = if self.format == Format::OpenMetrics { 0 } else { cursor.skip_blanks() };
        labels.clear();
        if cursor.eat(b'{') {
            labels::read(cursor, self, &mut name, labels)?;
            self.gap_after_brace(cursor)?;
        } else if name.is_none() {
            return Err(LineError::new(at, ErrorKind::Expected("a metric name, a comment or the end of the line")));
        } else if blanks == 0 && !cursor.eat(b' ') {
            return Err(LineError::new(cursor.at(), ErrorKind::Expected("a space or { after the metric name")));
        }
        let name = name.ok_or(LineError::new(at, ErrorKind::Expected("a metric name before or within the braces")))?;
        self.check_name(at, &name)?;
        Ok(name)
    }

    /// Value, timestamp and exemplar. The exemplar's labels go into `labels`.
    pub(crate) fn measurement<'b>(
        self,
        cursor: &mut Cursor<'b>,
        labels: &mut Vec<Label<'b>>,
    ) -> Result<Measurement, LineError> {
        let mut measurement = Measurement { value: read_value(cursor)?, timestamp: None, exemplar: None };
        if !self.next_field(cursor)? {
            return Ok(measurement);
        }
        if cursor.peek() != Some(b'#') {
            measurement.timestamp = Some(self.timestamp(cursor)?);
            if !self.next_field(cursor)? {
                return Ok(measurement);
            }
        }
        measurement.exemplar = Some(self.exemplar(cursor, labels)?);
        Ok(measurement)
    }

    fn exemplar<'b>(
        self,
        cursor: &mut Cursor<'b>,
        labels: &mut Vec<Label<'b>>,
    ) -> Result<(f64, Option<Timestamp>), LineError> {
        if self.format == Format::StrictText || !cursor.eat(b'#') {
            return Err(LineError::new(cursor.at(), ErrorKind::Expected("the end of the line")));
        }
        if !self.next_field(cursor)? || !cursor.eat(b'{') {
            return Err(LineError::new(cursor.at(), ErrorKind::Expected("the labels of an exemplar in braces")));
        }
        labels.clear();
        labels::read_exemplar(cursor, self, labels)?;
        self.gap_after_brace(cursor)?;
        let value = read_value(cursor)?;
        if !self.next_field(cursor)? {
            return Ok((value, None));
        }
        // Exemplars come from OpenMetrics, so their timestamps are in seconds in Prometheus text too.
        let time = seconds(cursor)?;
        if self.next_field(cursor)? {
            return Err(LineError::new(cursor.at(), ErrorKind::Expected("the end of the line")));
        }
        Ok((value, Some(time)))
    }

    fn timestamp(self, cursor: &mut Cursor<'_>) -> Result<Timestamp, LineError> {
        if self.format == Format::OpenMetrics {
            return seconds(cursor);
        }
        let at = cursor.at();
        let text = cursor.field();
        parse_ms(text).ok_or_else(|| LineError::new(at, ErrorKind::Timestamp(shortened(text))))
    }

    /// Skips the gap between a closing brace and a value: one space in OpenMetrics, any blanks or none in Prometheus text.
    fn gap_after_brace(self, cursor: &mut Cursor<'_>) -> Result<(), LineError> {
        if self.format != Format::OpenMetrics {
            cursor.skip_blanks();
        } else if !cursor.eat(b' ') {
            return Err(LineError::new(cursor.at(), ErrorKind::Expected("a single space after the closing brace")));
        }
        Ok(())
    }

    /// Moves to the next field of the line; false if there is none.
    fn next_field(self, cursor: &mut Cursor<'_>) -> Result<bool, LineError> {
        if self.format != Format::OpenMetrics {
            cursor.skip_blanks();
            return Ok(!cursor.is_at_end());
        }
        if cursor.is_at_end() {
            return Ok(false);
        }
        if !cursor.eat(b' ') || matches!(cursor.peek(), None | Some(b' ')) {
            return Err(LineError::new(
                cursor.at(),
                ErrorKind::Expected("a single space between fields and none at the end"),
            ));
        }
        Ok(true)
    }
}

fn read_value(cursor: &mut Cursor<'_>) -> Result<f64, LineError> {
    let at = cursor.at();
    let text = cursor.field();
    if text.is_empty() {
        return Err(LineError::new(at, ErrorKind::Expected("a value")));
    }
    parse_value(text.as_bytes()).ok_or_else(|| LineError::new(at, ErrorKind::Value(shortened(text))))
}

fn seconds(cursor: &mut Cursor<'_>) -> Result<Timestamp, LineError> {
    let at = cursor.at();
    let text = cursor.field();
    parse_seconds(text).ok_or_else(|| LineError::new(at, ErrorKind::Timestamp(shortened(text))))
}
