//! A row of the table of models as HTML, with what is wrong with the model in words.
use crate::data::discovery::scrapes::ReplicaCount;
use crate::data::overview::models::{ModelRow, SlowTime, Urgency};
use crate::state::model_table::ModelSort;
use crate::state::url::encode;
use crate::state::view::View;
use crate::ui::kit::format_time as time;
use crate::ui::kit::html::escape_html;
use crate::ui::models::sparkline::write_sparkline;
use crate::ui::topbar::scope::UNNAMED;
use catalogue::Unit;
use std::fmt::Write;

/// A change below this factor against the range before is not mentioned.
const MIN_FACTOR: f64 = 1.2;

/// The name of a row.
pub(super) fn name(row: &ModelRow) -> &str {
    if row.model.is_empty() { UNNAMED } else { &row.model }
}

/// Writes a row. Its name links to the page of the model.
pub(super) fn write_row(html: &mut String, row: &ModelRow, view: &View) {
    let mut opened = view.clone();
    opened.scope.model = Some(row.model.clone());
    let (link, model) = (escape_html(&encode(&opened)), escape_html(&row.model));
    let name = escape_html(name(row));
    let _ = write!(
        html,
        "<tr data-model=\"{model}\"><th scope=\"row\"><a class=\"open\" href=\"?{link}\" data-open=\"{model}\" \
         title=\"{name}\">{name}</a></th>"
    );
    for sort in ModelSort::ALL.into_iter().skip(1) {
        let is_bad = match sort {
            ModelSort::Errors => row.has_errors(),
            ModelSort::Cache => row.is_full(),
            ModelSort::Latency => row.slow.is_some(),
            ModelSort::Replicas => row.count.answering < row.count.total,
            _ => false,
        };
        let class = if is_bad { " class=\"bad\"" } else { "" };
        let _ = write!(html, "<td data-column=\"{}\" data-title=\"{}\"{class}>", sort.id(), sort.title());
        match sort {
            ModelSort::Status => {
                let class = match row.urgency() {
                    Urgency::Alarm => "bad",
                    Urgency::Warning => "warn",
                    Urgency::Notice => "",
                    Urgency::Fine => "ok",
                };
                let _ = write!(html, "<span class=\"pill {class}\">{}</span>", escape_html(&status(row)));
            }
            ModelSort::Requests => write_sparkline(html, &row.traffic),
            ModelSort::Latency => write_sparkline(html, &row.latencies),
            _ => {}
        }
        let text = cell(sort, row);
        let _ = write!(html, "<b>{}</b>", escape_html(&text));
        if let (ModelSort::Latency, Some(change)) = (sort, factor(row.latency, row.latency_before)) {
            let _ = write!(html, "<small>{change}</small>");
        }
        html.push_str("</td>");
    }
    html.push_str("</tr>");
}

/// The change of a value as a factor, such as `×2.4`; none if it is small or unknown.
fn factor(value: f64, before: f64) -> Option<String> {
    let factor = value / before;
    let is_change = factor.is_finite() && (factor >= MIN_FACTOR || factor <= 1.0 / MIN_FACTOR);
    is_change.then(|| format!("×{}", Unit::Number.format(factor)))
}

/// The text of a cell; a dash where nothing is measured.
fn cell(sort: ModelSort, row: &ModelRow) -> String {
    let text = |value: f64, unit: Unit| if value.is_nan() { "–".to_owned() } else { unit.format_short(value) };
    match sort {
        ModelSort::Name | ModelSort::Status => String::new(),
        ModelSort::Requests => text(row.requests, Unit::RequestsPerSecond),
        ModelSort::Errors => text(row.errors, Unit::Share),
        ModelSort::Latency => text(row.latency, Unit::Seconds),
        ModelSort::FirstToken => text(row.first_token, Unit::Seconds),
        ModelSort::Tokens => text(row.tokens, Unit::TokensPerSecond),
        ModelSort::Cache => text(row.cache, Unit::Share),
        ModelSort::Gpu => text(row.gpu, Unit::Share),
        ModelSort::Replicas => match (row.active, row.max, row.count) {
            (active, max, _) if !active.is_nan() && !max.is_nan() => {
                format!("{} of max {}", Unit::Count.format(active), Unit::Count.format(max))
            }
            (active, _, ReplicaCount { total, .. }) if active < total as f64 => {
                format!("{} of {total}", Unit::Count.format(active))
            }
            (active, _, _) if !active.is_nan() => Unit::Count.format(active),
            (.., ReplicaCount { answering, total }) if total > 0 => format!("{answering} of {total}"),
            _ => "–".to_owned(),
        },
    }
}

/// What is wrong with a model, the worst first, or that nothing is.
fn status(row: &ModelRow) -> String {
    let ReplicaCount { answering, total } = row.count;
    let mut parts = Vec::new();
    if answering < total {
        parts.push(format!("{} of {total} down", total - answering));
    }
    if row.has_errors() {
        parts.push(format!("{} errors", Unit::Share.format(row.errors)));
    }
    if let Some(slow) = row.slow {
        parts.push(slow_text(slow));
    }
    if row.is_full() {
        parts.push("KV cache full".to_owned());
    }
    if row.is_at_max() {
        parts.push("at max".to_owned());
    }
    match parts.is_empty() {
        false => parts.join(", "),
        true if row.requests > 0.0 => "OK".to_owned(),
        true => "No requests".to_owned(),
    }
}

/// When a model was slow, and how much.
fn slow_text(SlowTime { start_ms, end_ms, factor }: SlowTime) -> String {
    let factor = Unit::Number.format(factor);
    match end_ms {
        Some(end_ms) => format!("slow {} to {} (×{factor})", minute(start_ms), minute(end_ms)),
        None => format!("slow since {} (×{factor})", minute(start_ms)),
    }
}

/// A time of day without its seconds.
fn minute(time_ms: i64) -> String {
    let clock = time::clock(time_ms);
    clock.get(..5).unwrap_or(&clock).to_owned()
}

impl ModelRow {
    /// The number by which the column of replicas is sorted.
    pub(super) fn replicas(&self) -> f64 {
        if self.active.is_nan() { self.count.answering as f64 } else { self.active }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A model of which nothing is measured.
    pub(in crate::ui::models) fn row(model: &str) -> ModelRow {
        ModelRow {
            model: model.to_owned(),
            count: ReplicaCount::default(),
            requests: f64::NAN,
            errors: f64::NAN,
            latency: f64::NAN,
            latency_before: f64::NAN,
            first_token: f64::NAN,
            tokens: f64::NAN,
            cache: f64::NAN,
            gpu: f64::NAN,
            active: f64::NAN,
            max: f64::NAN,
            traffic: Vec::new(),
            latencies: Vec::new(),
            slow: None,
        }
    }

    #[test]
    fn names_are_escaped_and_link_to_the_model() {
        let mut html = String::new();
        write_row(&mut html, &row("\"><script>a&b"), &View::default());
        assert!(!html.contains("<script") && html.contains("&lt;script&gt;a&amp;b"), "{html}");
        assert!(html.contains("href=\"?model=%22%3E%3Cscript%3Ea%26b&amp;v=2\""), "{html}");
        assert_eq!(html.matches("<td").count(), ModelSort::ALL.len() - 1);
    }

    #[test]
    fn the_status_has_the_worst_first() {
        let healthy = ModelRow { requests: 3.0, count: ReplicaCount { answering: 2, total: 2 }, ..row("m") };
        assert_eq!((status(&row("m")), status(&healthy)), ("No requests".to_owned(), "OK".to_owned()));
        let ill = ModelRow {
            count: ReplicaCount { answering: 1, total: 5 },
            errors: 0.031,
            cache: 0.99,
            active: 5.0,
            max: 5.0,
            ..healthy
        };
        assert_eq!(status(&ill), "4 of 5 down, 3.10 % errors, KV cache full, at max");
        assert_eq!(cell(ModelSort::Replicas, &ill), "5 of max 5");
        assert_eq!((factor(2.4, 1.0), factor(1.1, 1.0), factor(f64::NAN, 1.0)), (Some("×2.40".to_owned()), None, None));
    }
}
