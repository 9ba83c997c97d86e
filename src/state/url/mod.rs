//! The view as the query part of a link, and back: the one codec.
//!
//! A link has a version. This module writes the current one; [`version`] brings links of earlier versions up to it.
mod version;

use crate::state::embed::{Embed, EmbedContent};
use crate::state::theme::Theme;
use crate::state::time_range::TimeRange;
use crate::state::time_zone::TimeZone;
use crate::state::url::version::{Parameters, VERSION, VERSION_PARAMETER};
use crate::state::view::{DEFAULT_RANGE_MS, MAX_RANGE_MS, MIN_RANGE_MS, Range, Refresh, View};
use catalogue::contract::is_origin;
use catalogue::{Scope, Section};
use prometheus_api::parse_duration_ms;

pub use version::is_of_later_version;

/// The parameter for the unit of request rates.
const RATE: &str = "rate";

/// The parameter and its value that select what names no model. No name of a model can be mistaken for it.
const UNNAMED_MODEL: (&str, &str) = ("model-name", "none");

/// Refresh intervals that a link may have, in milliseconds.
const REFRESH_INTERVALS_MS: std::ops::RangeInclusive<i64> = 1000..=3_600_000;

/// Times that a link may have: those before 1971 or after 2200 are mistakes.
const TIMES_MS: std::ops::Range<i64> = 31_536_000_000..7_258_118_400_000;

/// The query part without its question mark. Values of a first visit are left out, so theirs is empty.
pub fn encode(view: &View) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    if let Some(embed) = &view.embed {
        query.append_pair("embed", embed.content.id());
        if let Some(theme) = embed.theme {
            query.append_pair("theme", theme.id());
        }
        for parent in &embed.parents {
            query.append_pair("parent", parent);
        }
    }
    let Scope { model, environment, deployment, replica } = &view.scope;
    for (name, value) in
        [("model", model), ("environment", environment), ("deployment", deployment), ("replica", replica)]
    {
        match value.as_deref() {
            Some("") => query.append_pair(UNNAMED_MODEL.0, UNNAMED_MODEL.1),
            Some(value) => query.append_pair(name, value),
            None => &mut query,
        };
    }
    if let Some(section) = view.section {
        query.append_pair("section", section.id());
    }
    match view.range {
        Range::Last(DEFAULT_RANGE_MS) => {}
        Range::Last(length_ms) => {
            query.append_pair("from", &format!("now-{}", format_duration(length_ms)));
        }
        Range::Between(TimeRange { start_ms, end_ms }) => {
            query.append_pair("from", &start_ms.to_string()).append_pair("to", &end_ms.to_string());
        }
    }
    if view.refresh.interval_ms != Refresh::DEFAULT.interval_ms {
        query.append_pair("every", &format_duration(view.refresh.interval_ms));
    }
    if !view.refresh.is_on {
        query.append_pair("refresh", "off");
    }
    if view.time_zone != TimeZone::Browser {
        query.append_pair("zone", view.time_zone.id());
    }
    if view.is_per_minute {
        query.append_pair(RATE, "minute");
    }
    view.model_table.encode(&mut query);
    view.replica_table.encode(&mut query);
    view.card_options.encode(&mut query);
    let mut query = query.finish();
    if !query.is_empty() {
        query.push_str(&format!("&{VERSION_PARAMETER}={VERSION}"));
    }
    query
}

/// Whether a query part has a unit of request rates.
pub fn has_rate(query: &str) -> bool {
    form_urlencoded::parse(query.trim_start_matches('?').as_bytes()).any(|(name, _)| name == RATE)
}

/// The view of a query part of any version. What it leaves out, and what is invalid, is as on a first visit.
pub fn decode(query: &str) -> View {
    read(version::parameters(query)).0
}

/// Whether a query part has times that are no valid range.
pub fn has_invalid_times(query: &str) -> bool {
    read(version::parameters(query)).1
}

/// The view of parameters of the current version, and whether their times are invalid.
fn read(parameters: Parameters) -> (View, bool) {
    let mut view = View::default();
    let (mut from, mut to) = (None, None);
    let (mut content, mut theme, mut parents) = (None, None, Vec::new());
    for (name, value) in parameters {
        let text = || (!value.is_empty()).then(|| value.clone());
        match &*name {
            "model" => view.scope.model = text(),
            name if (name, value.as_str()) == UNNAMED_MODEL => view.scope.model = Some(String::new()),
            "environment" => view.scope.environment = text(),
            "deployment" => view.scope.deployment = text(),
            "replica" => view.scope.replica = text(),
            "section" => view.section = Section::from_id(&value),
            "from" => from = text(),
            "to" => to = text(),
            "every" => {
                if let Some(interval_ms) = parse_duration_ms(&value).ok().filter(|ms| REFRESH_INTERVALS_MS.contains(ms))
                {
                    view.refresh.interval_ms = interval_ms;
                }
            }
            "refresh" => view.refresh.is_on = value != "off",
            "zone" => view.time_zone = TimeZone::from_id(&value),
            RATE => view.is_per_minute = value == "minute",
            "card" => view.card_options.decode(&value),
            "embed" => content = text(),
            "theme" => theme = Theme::from_id(&value),
            "parent" if is_origin(&value) => parents.push(value),
            name if view.model_table.decode(name, &value) => {}
            name => view.replica_table.decode(name, &value),
        }
    }
    let has_times = from.is_some() || to.is_some();
    let range = from.and_then(|from| parse_range(&from, to.as_deref()));
    view.range = range.unwrap_or(view.range);
    view.embed = content.map(|content| Embed { content: EmbedContent::from_id(&content), theme, parents });
    (view, has_times && range.is_none())
}

/// The range of the values of `from` and `to`: `now-1h` alone, or two times in Unix milliseconds.
pub fn parse_range(from: &str, to: Option<&str>) -> Option<Range> {
    if let Some(length) = from.strip_prefix("now-") {
        let length_ms = parse_duration_ms(length).ok()?;
        return (MIN_RANGE_MS..=MAX_RANGE_MS).contains(&length_ms).then_some(Range::Last(length_ms));
    }
    let range = TimeRange::new(from.parse().ok()?, to?.parse().ok()?);
    let is_valid =
        TIMES_MS.contains(&range.start_ms) && TIMES_MS.contains(&range.end_ms) && range.length_ms() >= MIN_RANGE_MS;
    is_valid.then_some(Range::Between(range))
}

/// A duration in the largest unit that divides it.
pub fn format_duration(duration_ms: i64) -> String {
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms")];
    let unit = units.into_iter().find(|(size, _)| duration_ms % size == 0);
    unit.map_or_else(String::new, |(size, name)| format!("{}{name}", duration_ms / size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_view_survives_its_link() {
        let hostile = "a&b=c d/\"é<script>%";
        let scope = Scope { model: Some(hostile.into()), replica: Some("127.0.0.1:8000".into()), ..Scope::default() };
        let ranges = [
            Range::Last(3_600_000),
            Range::Last(DEFAULT_RANGE_MS),
            Range::Between(TimeRange::new(1_795_000_000_000, 1_795_000_060_000)),
        ];
        for range in ranges {
            for refresh in [Refresh::DEFAULT, Refresh { is_on: false, interval_ms: 60_000 }] {
                for time_zone in [TimeZone::Browser, TimeZone::Utc, TimeZone::Named("Asia/Kathmandu".into())] {
                    let (scope, section) = (scope.clone(), Some(Section::Hardware));
                    let mut view = View { scope, section, range, refresh, time_zone, ..View::default() };
                    view.is_per_minute = !refresh.is_on;
                    view.card_options.decode("cpu.details.table");
                    assert_eq!(decode(&encode(&view)), view);
                }
            }
        }
    }

    #[test]
    fn what_names_no_model_has_a_link_of_its_own() {
        let of =
            |model: &str| View { scope: Scope { model: Some(model.into()), ..Scope::default() }, ..View::default() };
        assert_eq!(encode(&of("")), "model-name=none&v=2");
        for model in ["", "none", " ", "no model name"] {
            assert_eq!(decode(&encode(&of(model))), of(model), "{model:?}");
        }
        assert_eq!(decode("model="), View::default(), "an empty model is any");
    }

    #[test]
    fn an_embed_survives_its_link() {
        for (content, theme) in [
            (EmbedContent::All, None),
            (EmbedContent::Graph("volume".into()), Some(Theme::Dark)),
            (EmbedContent::Graph("<b>".into()), None),
        ] {
            let parents = vec!["https://a.example".into(), "http://localhost:1".into()];
            let view = View { embed: Some(Embed { content, theme, parents }), ..View::default() };
            assert_eq!(decode(&encode(&view)), view);
        }
        let embed = decode("?theme=auto&embed=cpu&parent=*&parent=null&parent=https://a.example/x").embed;
        assert_eq!(embed, Some(Embed { content: EmbedContent::Graph("cpu".into()), theme: None, parents: Vec::new() }));
        assert_eq!(decode("theme=dark&parent=https://a.example&embed="), View::default());
    }

    #[test]
    fn a_first_visit_has_an_empty_link() {
        assert_eq!(encode(&View::default()), "");
        assert_eq!(decode(""), View::default());
    }

    #[test]
    fn invalid_values_are_as_on_a_first_visit() {
        for query in [
            "?from=now-1x",
            "from=now-1ms",
            "from=5&to=99999999999999999",
            "from=1795000060000&to=1795000000000",
            "from=1795000000000",
            "section=nowhere&every=0s&x=%ff%00",
        ] {
            assert_eq!(decode(query), View::default(), "{query}");
            assert_eq!(has_invalid_times(query), query.contains("from="), "{query}");
        }
        assert!(has_invalid_times("to=1795000060000") && !has_invalid_times("from=&to="));
        assert!(!has_invalid_times("from=now-1h") && !has_invalid_times("from=1795000000000&to=1795000060000"));
    }

    #[test]
    fn links_written_by_hand_are_read() {
        let view = decode("?section=hardware&from=now-3h&refresh=off&every=30s");
        assert_eq!((view.section, view.range), (Some(Section::Hardware), Range::Last(3 * 3_600_000)));
        assert_eq!(view.refresh, Refresh { is_on: false, interval_ms: 30_000 });
    }

    #[test]
    fn links_have_the_current_version() {
        let view = View { section: Some(Section::Engine), ..View::default() };
        assert_eq!(encode(&view), "section=engine&v=2");
    }
}
