//! Figures: what stands where on the page, and what is true.
pub(crate) mod list;
pub(crate) mod shown;
pub(crate) mod truth;

use list::{Gauge, Pick};

/// A figure of the page. Those of the timeline and the status have an empty graph.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figure {
    /// The graph's id in the catalogue.
    pub(crate) graph: &'static str,
    pub(crate) place: Place,
    /// The line's name; empty where the place has only one value.
    pub(crate) line: &'static str,
    pub(crate) truth: Truth,
}

/// Where a figure stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// Beside the title.
    Head,
    /// In the legend.
    Legend,
    /// In the summary.
    Summary,
    /// The share beside a count in the summary.
    Share,
    /// Among the key numbers above the cards, which the line names.
    KeyNumber,
    /// The rate below a key number.
    KeyRate,
    /// In the tooltip, at several times.
    Tooltip,
    /// In the table, at every time.
    Table,
    /// In the CSV file, at every time.
    Csv,
    /// The newest time of the CSV file, Unix seconds.
    NewestTime,
    /// Whether something is drawn.
    Drawn,
    /// In the table of statistics.
    Least,
    /// In the table of statistics.
    Mean,
    /// In the table of statistics.
    Greatest,
    /// In the table of statistics.
    Last,
    /// The count of replicas that answer, beside the model.
    Answering,
    /// The count of all replicas there.
    Replicas,
    /// The state of each replica at the end of the timeline.
    States,
    /// The number of restarts of each replica in the timeline.
    Restarts,
    /// The time of each restart, in seconds beyond the true one.
    RestartTimes,
    /// How long each replica was running, in seconds.
    RunningTime,
}

/// What is true of a figure.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Truth {
    /// Events in the range.
    Count(Pick),
    /// The share of events in the range among all requests.
    Share(Pick),
    /// Events per second, at the figure's time.
    Rate(Pick),
    /// Events per second at every time of the range, of which the figure is one or the mean.
    RateInRange(Pick),
    /// A gauge at the figure's time.
    Gauge(Gauge),
    /// The least, mean and greatest value of a gauge over the range, by the figure's place.
    GaugeInRange(Gauge),
    /// A percentile of latency over the range, such as 0.99.
    Percentile(f64),
    /// A percentile at the figure's time.
    PercentileAt(f64),
    /// Nothing lies after the moment at which the page is loaded.
    NotInTheFuture,
    /// There is something to draw if there were events in the range.
    Drawn(Pick),
    /// What the timeline and the status say.
    Replicas,
}
