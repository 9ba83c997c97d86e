//! The view as the query part of a link, and back: the one codec.
use crate::state::embed::{Embed, EmbedContent, is_origin};
use crate::state::theme::Theme;
use crate::state::time_range::TimeRange;
use crate::state::time_zone::TimeZone;
use crate::state::view::{DEFAULT_RANGE_MS, MAX_RANGE_MS, MIN_RANGE_MS, Range, Refresh, View};
use catalogue::{Scope, Section};
use prometheus_api::parse_duration_ms;

/// The name of the parameter that says by what requests are counted.
const RATE: &str = "rate";

/// Times before 1971 or after 2200 are slips, not ranges.
const TIMES_MS: std::ops::Range<i64> = 31_536_000_000..7_258_118_400_000;

/// The query part without its question mark; what is as on a first visit is left out.
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
        if let Some(value) = value {
            query.append_pair(name, value);
        }
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
    view.replica_table.encode(&mut query);
    view.card_options.encode(&mut query);
    query.finish()
}

/// Whether a query part says by what requests are counted.
pub fn has_rate(query: &str) -> bool {
    form_urlencoded::parse(query.trim_start_matches('?').as_bytes()).any(|(name, _)| name == RATE)
}

/// The view that a query part describes; what it does not say, or says in a way that makes no sense, is as on a first
/// visit.
pub fn decode(query: &str) -> View {
    read(query).0
}

/// Whether a query part names times that make no range.
pub fn has_invalid_times(query: &str) -> bool {
    read(query).1
}

fn read(query: &str) -> (View, bool) {
    let mut view = View::default();
    let (mut from, mut to) = (None, None);
    let (mut content, mut theme, mut parents) = (None, None, Vec::new());
    for (name, value) in form_urlencoded::parse(query.trim_start_matches('?').as_bytes()) {
        let text = || (!value.is_empty()).then(|| value.to_string());
        match &*name {
            "model" => view.scope.model = text(),
            "environment" => view.scope.environment = text(),
            "deployment" => view.scope.deployment = text(),
            "replica" => view.scope.replica = text(),
            "section" => view.section = Section::from_id(&value),
            "from" => from = text(),
            "to" => to = text(),
            "every" => {
                if let Some(interval_ms) = parse_duration_ms(&value).ok().filter(|ms| (1000..=3_600_000).contains(ms)) {
                    view.refresh.interval_ms = interval_ms;
                }
            }
            "refresh" => view.refresh.is_on = value != "off",
            "zone" => view.time_zone = TimeZone::from_id(&value),
            RATE => view.is_per_minute = value == "minute",
            "card" => view.card_options.decode(&value),
            "embed" => content = text(),
            "theme" => theme = Theme::from_id(&value),
            "parent" if is_origin(&value) => parents.push(value.to_string()),
            name => view.replica_table.decode(name, &value),
        }
    }
    let has_times = from.is_some() || to.is_some();
    let times = from.and_then(|from| parse_range(&from, to.as_deref()));
    view.range = times.unwrap_or(view.range);
    view.embed = content.map(|content| Embed { content: EmbedContent::from_id(&content), theme, parents });
    (view, has_times && times.is_none())
}

/// The range between the values of `from` and `to`: `now-1h` alone, or two times in Unix milliseconds.
pub fn parse_range(from: &str, to: Option<&str>) -> Option<Range> {
    if let Some(length) = from.strip_prefix("now-") {
        let length_ms = parse_duration_ms(length).ok()?;
        return (MIN_RANGE_MS..=MAX_RANGE_MS).contains(&length_ms).then_some(Range::Last(length_ms));
    }
    let (start_ms, end_ms): (i64, i64) = (from.parse().ok()?, to?.parse().ok()?);
    let is_sound = TIMES_MS.contains(&start_ms) && TIMES_MS.contains(&end_ms) && end_ms - start_ms >= MIN_RANGE_MS;
    is_sound.then_some(Range::Between(TimeRange::new(start_ms, end_ms)))
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
    fn a_frame_is_in_its_link() {
        for (content, theme) in [
            (EmbedContent::All, None),
            (EmbedContent::Graph("volume".into()), Some(Theme::Dark)),
            (EmbedContent::Graph("<b>".into()), None),
        ] {
            let parents = vec!["https://a.example".into(), "http://localhost:1".into()];
            let view = View { embed: Some(Embed { content, theme, parents }), ..View::default() };
            assert_eq!(decode(&encode(&view)), view);
        }
        let frame = decode("?theme=auto&embed=cpu&parent=*&parent=null&parent=https://a.example/x").embed;
        assert_eq!(frame, Some(Embed { content: EmbedContent::Graph("cpu".into()), theme: None, parents: Vec::new() }));
        assert_eq!(decode("theme=dark&parent=https://a.example&embed="), View::default());
    }

    #[test]
    fn a_first_visit_has_an_empty_link() {
        assert_eq!(encode(&View::default()), "");
        assert_eq!(decode(""), View::default());
    }

    #[test]
    fn nonsense_is_a_first_visit() {
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
    fn links_read_as_a_person_writes_them() {
        let view = decode("?section=hardware&from=now-3h&refresh=off&every=30s");
        assert_eq!((view.section, view.range), (Some(Section::Hardware), Range::Last(3 * 3_600_000)));
        assert_eq!(view.refresh, Refresh { is_on: false, interval_ms: 30_000 });
    }
}
