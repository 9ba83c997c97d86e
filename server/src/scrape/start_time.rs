//! Finds when the process behind a target started.
use crate::scrape::parsed_page::ParsedPage;
use catalogue::contract::names;

/// Finds the start time on successive pages. A page that covers several processes has none.
#[derive(Debug, Default)]
pub(crate) struct StartTime(Vec<u32>);

impl StartTime {
    /// The start in Unix seconds.
    pub(crate) fn find(&mut self, page: &ParsedPage) -> Option<f64> {
        self.0.retain(|number| !page.removed.contains(number));
        let is_start = |labels: &promql::Labels| labels.metric_name() == Some(names::PROCESS_START_TIME);
        self.0.extend(page.added.iter().filter(|series| is_start(&series.labels)).map(|series| series.number));
        let [only] = self.0[..] else { return None };
        let sample = page.samples.iter().find(|sample| sample.number == only);
        sample.map(|sample| sample.value).filter(|start_s| start_s.is_finite())
    }
}
