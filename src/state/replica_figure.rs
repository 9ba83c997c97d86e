//! The figures that the table of replicas has of each.
use catalogue::Unit;

/// A figure of a replica, from a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplicaFigure {
    /// Running requests.
    Running,
    /// Waiting requests.
    Waiting,
    /// Requests per second over the range.
    Requests,
    /// The share of requests over the range that the server failed.
    Errors,
    /// The 95th percentile of time to first token over the range, in seconds.
    FirstToken,
    /// The 95th percentile of inter-token latency over the range, in seconds.
    InterToken,
    /// Tokens generated per second over the range.
    Tokens,
    /// CPU cores in use.
    Cores,
    /// The share of time that its GPUs were busy.
    Gpu,
}

impl ReplicaFigure {
    /// All figures in the order of the table.
    pub const ALL: [Self; 9] = [
        Self::Running,
        Self::Waiting,
        Self::Requests,
        Self::Errors,
        Self::FirstToken,
        Self::InterToken,
        Self::Tokens,
        Self::Cores,
        Self::Gpu,
    ];

    /// The name in links.
    pub fn id(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Requests => "requests",
            Self::Errors => "errors",
            Self::FirstToken => "first-token",
            Self::InterToken => "inter-token",
            Self::Tokens => "tokens",
            Self::Cores => "cpu",
            Self::Gpu => "gpu",
        }
    }

    /// The heading of the column.
    pub fn title(self) -> &'static str {
        match self {
            Self::Running => "Running",
            Self::Waiting => "Waiting",
            Self::Requests => "Requests/s",
            Self::Errors => "Errors",
            Self::FirstToken => "First token p95",
            Self::InterToken => "Inter-token p95",
            Self::Tokens => "Tokens/s",
            Self::Cores => "CPU",
            Self::Gpu => "GPU",
        }
    }

    /// The unit of its values, as a cell shows it.
    pub fn unit(self) -> Unit {
        match self {
            Self::Running | Self::Waiting | Self::Requests | Self::Tokens => Unit::Count,
            Self::FirstToken | Self::InterToken => Unit::Seconds,
            Self::Cores => Unit::Cores,
            Self::Errors | Self::Gpu => Unit::Share,
        }
    }

    /// The graph that it is from.
    pub fn graph(self) -> &'static str {
        match self {
            Self::Running | Self::Waiting => "running-and-waiting",
            Self::Requests => "volume",
            Self::Errors => "error-share",
            Self::FirstToken => "time-to-first-token",
            Self::InterToken => "inter-token-latency",
            Self::Tokens => "tokens-per-second",
            Self::Cores => "cpu-cores",
            Self::Gpu => "gpu",
        }
    }

    /// Whether it is over the range; others are of its end.
    pub fn is_over_range(self) -> bool {
        !matches!(self, Self::Running | Self::Waiting | Self::Cores | Self::Gpu)
    }

    /// Whether a line of the graph is part of it.
    pub fn has_line(self, line: &str) -> bool {
        let starts = match self {
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Requests => "",
            Self::Errors => return line.starts_with("server errors") || line.starts_with("failed"),
            Self::FirstToken | Self::InterToken => "p95",
            Self::Tokens => "generation",
            Self::Cores => "in use",
            Self::Gpu => "average",
        };
        line.starts_with(starts)
    }

    /// The figure of two lines: their sum, or the higher one where values do not add up.
    pub fn joined(self, one: f64, other: f64) -> f64 {
        match self {
            Self::FirstToken | Self::InterToken | Self::Errors | Self::Gpu => one.max(other),
            _ => one + other,
        }
    }

    /// Whether a replica with much more than its peers is worth a look.
    pub fn is_compared(self) -> bool {
        matches!(self, Self::Errors | Self::FirstToken | Self::InterToken)
    }
}

/// The figures of one replica, in the order of [`ReplicaFigure::ALL`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ReplicaFigures([Option<f64>; ReplicaFigure::ALL.len()]);

impl ReplicaFigures {
    /// A figure, if it is known.
    pub fn of(&self, figure: ReplicaFigure) -> Option<f64> {
        self.0[figure as usize]
    }

    /// Adds the value of a line.
    pub fn add(&mut self, figure: ReplicaFigure, value: f64) {
        let own = &mut self.0[figure as usize];
        *own = Some(own.map_or(value, |own| figure.joined(own, value)));
    }

    /// Takes over the figures that `newer` has.
    pub fn update(&mut self, newer: &Self) {
        for (own, newer) in self.0.iter_mut().zip(newer.0) {
            *own = newer.or(*own);
        }
    }
}
