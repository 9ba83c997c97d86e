//! Compares what the page shows with the truth, figure by figure.
use crate::figure::list::Pick;
use crate::figure::shown::{self, Shown};
use crate::figure::truth::{Bounds, Moment, TOLERANCE};
use crate::figure::{Figure, Place, Truth};
use crate::reading::{CardReading, File, Reading, ReplicaReading, Tooltip};
use crate::world::{Target, World};

/// How a figure compares with the truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// True.
    Right,
    /// Not true, and marked as an estimate.
    Marked,
    /// Not true.
    Wrong,
    /// There is a true value, and nothing is shown.
    Missing,
}

/// A figure with what is shown and what is true, as texts.
#[derive(Clone, Debug)]
pub(crate) struct Compared {
    pub(crate) figure: Figure,
    pub(crate) shown: String,
    pub(crate) truth: String,
    pub(crate) outcome: Outcome,
}

/// One value of a figure, at the time that it belongs to.
struct Value {
    time_ms: i64,
    text: String,
    shown: Option<Shown>,
}

/// Compares all figures of a world.
pub(crate) fn compare(world: &World, reading: &Reading, moment: Moment) -> Vec<Compared> {
    world.figures.iter().filter_map(|figure| Comparison { world, reading, moment, figure }.compared()).collect()
}

struct Comparison<'a> {
    world: &'a World,
    reading: &'a Reading,
    moment: Moment,
    figure: &'a Figure,
}

impl Comparison<'_> {
    fn compared(&self) -> Option<Compared> {
        let moment = Moment { step_ms: self.step_ms(), ..self.moment };
        let start_ms = moment.now_ms - moment.range_ms;
        match self.figure.truth {
            // The values on both sides of the beginning of live scrapes are in the statistics.
            Truth::RateInRange(_) if moment.joined_ms.is_some_and(|joined_ms| joined_ms > start_ms) => None,
            Truth::Replicas => self.replicas(),
            Truth::Drawn(pick) => self.drawn(pick, moment),
            _ => {
                let mut values = self.values();
                // A tooltip that hides lines has no sum of all of them.
                if self.figure.place == Place::Tooltip && self.of_graph().any(|tooltip| tooltip.3) {
                    return None;
                }
                if values.is_empty() {
                    let truth = self.bounds(moment, moment.now_ms).filter(|truth| truth.high > 0.0)?;
                    return Some(self.result("nothing".into(), text(truth), Outcome::Missing));
                }
                if matches!(self.figure.place, Place::Tooltip | Place::Table | Place::Csv) {
                    values.retain(|value| !self.world.is_joint(moment, value.time_ms));
                }
                // Of the values at many times the worst one is reported, or else the newest.
                let all = values.iter().filter_map(|value| self.value(value, moment));
                all.reduce(|worst, next| if next.outcome >= worst.outcome { next } else { worst })
            }
        }
    }

    fn result(&self, shown: String, truth: String, outcome: Outcome) -> Compared {
        Compared { figure: *self.figure, shown, truth, outcome }
    }

    fn card(&self) -> Option<&CardReading> {
        self.reading.cards.iter().find(|card| card.graph == self.figure.graph)
    }

    fn key_number(&self) -> Option<&(String, String, String)> {
        self.reading.key_numbers.iter().find(|(title, ..)| title == self.figure.line)
    }

    fn table(&self) -> Option<&CardReading> {
        self.reading.tables.iter().find(|card| card.graph == self.figure.graph)
    }

    fn file(&self) -> Option<&File> {
        self.reading.files.iter().find(|(graph, _)| graph == self.figure.graph).map(|(_, file)| file)
    }

    /// The distance between the times of the graph; a sixtieth of the range if it has no times.
    fn step_ms(&self) -> i64 {
        let times = self.file().map(|file| &file.rows).filter(|rows| rows.len() > 1);
        times.map_or(self.moment.range_ms / 60, |rows| rows[1].0 - rows[0].0)
    }

    /// The values at the figure's place.
    fn values(&self) -> Vec<Value> {
        let (line, now_ms) = (self.figure.line, self.moment.now_ms);
        let one = |text: Option<&String>| sum_of(text, now_ms).into_iter().collect();
        let summary = |pick: fn(&(String, String, String)) -> &String| {
            let all = self.card().into_iter().flat_map(|card| &card.summary).filter(|(name, ..)| is_line(name, line));
            sum_of(all.map(pick), now_ms).into_iter().collect()
        };
        let statistic = |at: usize| {
            let row = self.table().and_then(|card| card.statistics.iter().find(|(name, _)| name == line));
            one(row.and_then(|(_, cells)| cells.get(at)))
        };
        match self.figure.place {
            Place::Head => one(self.card().map(|card| &card.head)),
            Place::Legend => {
                let all = self.card().into_iter().flat_map(|card| &card.legend).filter(|(name, _)| is_line(name, line));
                sum_of(all.map(|(_, text)| text), now_ms).into_iter().collect()
            }
            Place::Summary => summary(|(_, value, _)| value),
            Place::Share => summary(|(.., share)| share),
            Place::Least => statistic(0),
            Place::Mean => statistic(1),
            Place::Greatest => statistic(2),
            Place::Last => statistic(3),
            Place::KeyNumber => one(self.key_number().map(|(_, value, _)| value)),
            Place::KeyRate => one(self.key_number().map(|(.., rate)| rate)),
            Place::Tooltip => self.tooltips(),
            Place::Table => self.rows(),
            Place::Csv => self.cells(),
            Place::NewestTime => {
                let newest = self.file().and_then(|file| file.rows.last());
                newest.map(|(time_ms, _)| exact(*time_ms, *time_ms as f64 / 1000.0)).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    /// The tooltips of the figure's graph.
    fn of_graph(&self) -> impl Iterator<Item = &Tooltip> {
        self.reading.tooltips.iter().filter(|tooltip| tooltip.0 == self.figure.graph)
    }

    fn tooltips(&self) -> Vec<Value> {
        let value = |tooltip: &Tooltip| {
            let time_ms = shown::time_ms(&tooltip.1, self.moment.now_ms)?;
            sum_of(tooltip.2.iter().filter(|(name, _)| is_line(name, self.figure.line)).map(|(_, text)| text), time_ms)
        };
        self.of_graph().filter_map(value).collect()
    }

    /// The table's rows, oldest first.
    fn rows(&self) -> Vec<Value> {
        let Some(table) = self.table() else { return Vec::new() };
        let columns = columns(&table.lines, self.figure.line);
        let value = |(time, cells): &(String, Vec<String>)| {
            sum_of(columns.iter().filter_map(|at| cells.get(*at)), shown::time_ms(time, self.moment.now_ms)?)
        };
        table.rows.iter().rev().filter_map(value).collect()
    }

    fn cells(&self) -> Vec<Value> {
        let Some(file) = self.file() else { return Vec::new() };
        let columns = columns(&file.lines, self.figure.line);
        let value = |(time_ms, values): &(i64, Vec<f64>)| {
            let known = columns.iter().filter_map(|at| values.get(*at).copied()).filter(|value| !value.is_nan());
            exact(*time_ms, known.reduce(|sum, value| sum + value).unwrap_or(f64::NAN))
        };
        file.rows.iter().filter(|_| !columns.is_empty()).map(value).collect()
    }

    /// Compares one value; None if there is neither a value nor a truth.
    fn value(&self, value: &Value, moment: Moment) -> Option<Compared> {
        let truth = self.bounds(moment, value.time_ms);
        let at = match self.figure.place {
            Place::Tooltip | Place::Table | Place::Csv => format!(" at {}", clock(value.time_ms)),
            _ => String::new(),
        };
        let text_of_truth = truth.map_or("nothing".into(), text);
        let outcome = match (value.shown, truth) {
            (None, None) => return None,
            // A hole is wrong only where something surely happened.
            (None, Some(truth)) if truth.low <= 0.0 => return None,
            (None, Some(_)) if !at.is_empty() && self.world.may_be_empty(value.time_ms) => return None,
            (None, Some(_)) => Outcome::Missing,
            (Some(shown), None) if shown.value == 0.0 => Outcome::Right,
            (Some(shown), _) => {
                let is_right = truth.is_some_and(|truth| contains(truth, shown));
                match (is_right, shown.is_estimate) {
                    (true, _) => Outcome::Right,
                    (false, true) => Outcome::Marked,
                    (false, false) => Outcome::Wrong,
                }
            }
        };
        Some(self.result(format!("{}{at}", value.text), text_of_truth, outcome))
    }

    /// The truth of a value that belongs to a time.
    fn bounds(&self, moment: Moment, time_ms: i64) -> Option<Bounds> {
        let world = self.world;
        let past_ms = time_ms.min(moment.until_ms);
        let is_now = matches!(self.figure.place, Place::Head | Place::Legend | Place::Last);
        match self.figure.truth {
            Truth::Count(pick) => Some(world.count(pick, moment)),
            Truth::Share(pick) => world.share(pick, moment),
            Truth::Rate(pick) if is_now => Some(world.rate_now(pick, moment)),
            Truth::Rate(pick) => world.rate(pick, moment, past_ms),
            Truth::RateInRange(pick) => Some(world.rate_in_range(pick, moment)),
            Truth::Gauge(gauge) => Some(world.gauge(gauge, moment, past_ms)),
            Truth::GaugeInRange(gauge) => {
                let (least, mean, greatest) = world.gauge_in_range(gauge, moment);
                Some(match self.figure.place {
                    Place::Least => least,
                    Place::Mean => mean,
                    _ => greatest,
                })
            }
            Truth::Percentile(quantile) => world.percentile(quantile, moment),
            Truth::PercentileAt(quantile) => world.percentile_at(quantile, moment, past_ms),
            Truth::NotInTheFuture => Some(Bounds { low: 0.0, high: moment.until_ms as f64 / 1000.0 }),
            Truth::Drawn(_) | Truth::Replicas => None,
        }
    }

    fn drawn(&self, pick: Pick, moment: Moment) -> Option<Compared> {
        let truth = self.world.count(pick, moment);
        (truth.low > 0.0).then_some(())?;
        let (shown, is_drawn) = match self.card() {
            Some(card) => (format!("{}, {} times {}", card.status, card.points, card.note), card.note.is_empty()),
            None => ("no card".into(), false),
        };
        Some(self.result(shown, "a graph".into(), if is_drawn { Outcome::Right } else { Outcome::Missing }))
    }

    fn replicas(&self) -> Option<Compared> {
        let place = self.figure.place;
        let (shown, truth, is_right) = match place {
            Place::Answering | Place::Replicas => self.counted(place),
            _ => self.timeline(place),
        };
        Some(self.result(shown, truth, if is_right { Outcome::Right } else { Outcome::Wrong }))
    }

    fn replicas_known(&self) -> Vec<&Target> {
        let is_known = |target: &&Target| target.dialect.is_replica() && target.first_ms <= self.moment.now_ms;
        self.world.targets.iter().filter(is_known).collect()
    }

    /// The count of replicas that answer, or of all: `2 of 3 up`.
    fn counted(&self, place: Place) -> (String, String, bool) {
        let now_ms = self.moment.now_ms;
        let known = self.replicas_known();
        let answering = known.iter().filter(|target| target.run_at(now_ms).is_some()).count();
        let truth = if place == Place::Answering { answering } else { known.len() };
        let status = &self.reading.replicas.status;
        let numbers: Vec<usize> = status.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        let shown = numbers.get(usize::from(place == Place::Replicas)).copied();
        (status.clone(), truth.to_string(), shown == Some(truth))
    }

    /// What the rows of the timeline say of each replica.
    fn timeline(&self, place: Place) -> (String, String, bool) {
        let moment = self.moment;
        let known = self.replicas_known();
        let (mut shown, mut truth, mut is_right) = (Vec::new(), Vec::new(), true);
        for target in known {
            let row = self.reading.replicas.rows.iter().find(|row| row.replica == target.replica);
            let Some(row) = row else {
                return (format!("no row of {}", target.replica), "a row".into(), false);
            };
            let (of_page, of_world, is_same) = row_of(place, row, target, moment, self.reading.replicas.step_ms);
            shown.push(of_page);
            truth.push(of_world);
            is_right &= is_same;
        }
        (shown.join(", "), truth.join(", "), is_right)
    }
}

/// What a row of the timeline says, what is true, and whether they agree.
fn row_of(place: Place, row: &ReplicaReading, target: &Target, moment: Moment, step_ms: i64) -> (String, String, bool) {
    // A change is seen at the next scrape, and drawn at the next step.
    let slack_ms = (2 * step_ms + 2 * target.interval_ms + moment.until_ms - moment.now_ms) as f64;
    let (start_ms, now_ms) = (moment.now_ms - moment.range_ms, moment.now_ms);
    let starts: Vec<i64> = target.runs.iter().skip(1).map(|run| run.start_ms).collect();
    let restarts: Vec<i64> = starts.into_iter().filter(|time_ms| (start_ms..=now_ms).contains(time_ms)).collect();
    match place {
        Place::States => {
            let state = if target.run_at(now_ms).is_some() { "running" } else { "stopped" };
            (row.state.clone(), state.into(), row.state == state)
        }
        Place::Restarts => {
            (row.restarts_ms.len().to_string(), restarts.len().to_string(), row.restarts_ms.len() == restarts.len())
        }
        Place::RestartTimes => {
            let late = row.restarts_ms.iter().zip(&restarts).map(|(shown, true_ms)| (shown - *true_ms as f64).abs());
            let latest = late.fold(0.0, f64::max);
            (format!("{:.0}", latest / 1000.0), format!("0 to {:.0}", slack_ms / 1000.0), latest <= slack_ms)
        }
        _ => {
            let running = row.intervals.iter().filter(|(state, ..)| state == "running");
            let shown: f64 = running.map(|(_, from, to)| to - from).sum();
            let first_ms = start_ms.max(target.first_ms);
            let within = target.runs.iter().map(|run| run.end_ms.min(now_ms) - run.start_ms.max(first_ms));
            let truth = within.map(|length_ms| length_ms.max(0)).sum::<i64>() as f64;
            let is_right = (shown - truth).abs() <= slack_ms * (restarts.len() + 1) as f64 + TOLERANCE * truth;
            (format!("{:.0}", shown / 1000.0), format!("{:.0}", truth / 1000.0), is_right)
        }
    }
}

/// A value that is not rounded.
fn exact(time_ms: i64, value: f64) -> Value {
    let shown = (!value.is_nan()).then_some(Shown { value, rounding: 0.0, is_estimate: false });
    let text = if value.is_nan() { "nothing".into() } else { format!("{value}") };
    Value { time_ms, text, shown }
}

/// Whether a line has this name; where several engines have it, their names follow.
fn is_line(name: &str, line: &str) -> bool {
    name == line || name.strip_prefix(line).is_some_and(|engine| engine.starts_with(" · "))
}

/// The columns of a line, one for each engine.
fn columns(lines: &[String], line: &str) -> Vec<usize> {
    (0..lines.len()).filter(|at| is_line(&lines[*at], line)).collect()
}

/// The sum of the values that texts show; None without a text.
fn sum_of<'a>(texts: impl IntoIterator<Item = &'a String>, time_ms: i64) -> Option<Value> {
    let texts: Vec<&String> = texts.into_iter().filter(|text| !text.is_empty()).collect();
    let all = texts.iter().filter_map(|text| shown::read(text));
    let shown = all.reduce(|sum, next| Shown {
        value: sum.value + next.value,
        rounding: if sum.rounding == WHOLE && next.rounding == WHOLE { WHOLE } else { sum.rounding + next.rounding },
        is_estimate: sum.is_estimate || next.is_estimate,
    });
    let text = texts.iter().map(|text| text.as_str()).collect::<Vec<_>>().join(" + ");
    (!texts.is_empty()).then_some(Value { time_ms, text, shown })
}

/// The rounding of whole numbers with all their digits.
const WHOLE: f64 = 0.5;

fn contains(truth: Bounds, shown: Shown) -> bool {
    // A whole number that is exact is written with all its digits; sums of floats differ in the last ones.
    let slack = if shown.rounding == WHOLE { 0.0 } else { shown.rounding } + 1e-9 * truth.high.abs();
    (truth.low - slack..=truth.high + slack).contains(&shown.value)
}

fn text(truth: Bounds) -> String {
    let number = |value: f64| if value.fract().abs() < 1e-9 { format!("{value:.0}") } else { format!("{value:.4}") };
    if truth.low == truth.high { number(truth.low) } else { format!("{} to {}", number(truth.low), number(truth.high)) }
}

/// The time of day in UTC.
fn clock(time_ms: i64) -> String {
    let of_day = time_ms.rem_euclid(86_400_000) / 1000;
    format!("{:02}:{:02}:{:02}", of_day / 3600, of_day / 60 % 60, of_day % 60)
}
