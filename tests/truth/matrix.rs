//! The matrix: every world over every backend, at several moments, over every range.
use crate::backend::{Backend, Kind};
use crate::compare::{Compared, compare};
use crate::figure::truth::Moment;
use crate::live::LiveBackend;
use crate::reading::{prepare, read};
use crate::world::World;
use crate::world::all::{Times, everything, worlds};
use inferboard_tests::{Browser, FixtureError, Result, Theme, now_ms, skipped};
use std::collections::BTreeSet;
use std::env;
use std::io::Write;
use std::time::{Duration, Instant};

const DAY_MS: i64 = 86_400_000;

/// The ranges of the page, by their names in links.
pub(crate) const RANGES: [(&str, i64); 7] = [
    ("5m", 300_000),
    ("15m", 900_000),
    ("1h", 3_600_000),
    ("6h", 21_600_000),
    ("24h", DAY_MS),
    ("7d", 7 * DAY_MS),
    ("30d", 30 * DAY_MS),
];

/// The moments at which the page is loaded, in milliseconds after a time that all steps divide: early, late and in the
/// middle of most steps.
const PHASES_MS: [i64; 3] = [3_137_371, 19_331_847, 36_053_139];

/// How long after the beginning the page is loaded over live targets: their history is imported first, and the last events
/// before that moment are scraped.
const LIVE_MS: i64 = 240_000;
/// The time to the next moment, in which most steps are at another phase.
const NEXT_LIVE_MS: i64 = 37_000;

/// The window in which the page is read: high enough for all cards, because others are not queried.
const WINDOW: (u32, u32) = (1400, 6000);

/// What of the matrix is tried.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    backends: Vec<Kind>,
    ranges: Vec<(&'static str, i64)>,
    phases: usize,
    /// Names of worlds; empty for all.
    worlds: Vec<String>,
    history_ms: i64,
}

/// A figure and where in the matrix it is.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    pub(crate) backend: &'static str,
    pub(crate) range: &'static str,
    /// 1 for the first moment.
    pub(crate) moment: usize,
    pub(crate) world: &'static str,
    pub(crate) compared: Compared,
}

impl Selection {
    /// The part that the variables `TRUTH_BACKENDS`, `TRUTH_RANGES`, `TRUTH_WORLDS` (names separated by commas) and
    /// `TRUTH_PHASES` (a number) select; without them the small part that every test run has.
    pub(crate) fn from_environment() -> Self {
        let names = |variable: &str, default: &str| -> Vec<String> {
            let names = env::var(variable).unwrap_or_else(|_| default.to_owned());
            names.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()
        };
        let backends = names("TRUTH_BACKENDS", "companion");
        let ranges = names("TRUTH_RANGES", "5m,1h,24h");
        let ranges: Vec<_> = RANGES.into_iter().filter(|(name, _)| ranges.iter().any(|own| own == name)).collect();
        let phases = env::var("TRUTH_PHASES").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
        let longest_ms = ranges.iter().map(|(_, length_ms)| *length_ms).max().unwrap_or(0);
        Self {
            backends: Kind::ALL.into_iter().filter(|kind| backends.iter().any(|own| own == kind.name())).collect(),
            phases: PHASES_MS.len().min(phases),
            worlds: names("TRUTH_WORLDS", "steady,young,bursts"),
            history_ms: (longest_ms + 7_200_000).max(PHASES_MS[0] + 7_200_000),
            ranges,
        }
    }

    /// The selected worlds for these moments.
    fn worlds(&self, nows_ms: &[i64]) -> Vec<World> {
        let mut worlds = worlds(&Times { nows_ms: nows_ms.into(), history_ms: self.history_ms });
        worlds.retain(|world| self.worlds.iter().any(|name| name == world.name || name == "all"));
        worlds
    }
}

/// Tries a part of the matrix.
///
/// # Errors
/// When a backend or the browser does not work. A figure that is wrong is no error.
pub(crate) async fn run(selection: &Selection) -> Result<Vec<Cell>> {
    let mut cells = Vec::new();
    for kind in &selection.backends {
        let ran = match kind {
            Kind::Live => over_live_targets(selection).await,
            kind => over_history(selection, *kind).await,
        };
        match ran {
            Err(FixtureError::Absent(program)) => {
                skipped(format_args!("{program} is not installed, so the page's figures are not compared over it"));
            }
            ran => cells.extend(ran?),
        }
    }
    Ok(cells)
}

/// History that ends at each moment, with the clocks of page and backend held there.
async fn over_history(selection: &Selection, kind: Kind) -> Result<Vec<Cell>> {
    // A time that the steps of all ranges divide, so long ago that all moments are past.
    let base_ms = (now_ms() / (2 * DAY_MS) - 1) * 2 * DAY_MS;
    let nows_ms: Vec<i64> = PHASES_MS[..selection.phases].iter().map(|phase_ms| base_ms + phase_ms).collect();
    let worlds = selection.worlds(&nows_ms);
    let browser = browser().await?;
    let (mut cells, began) = (Vec::new(), Instant::now());
    let mut backend = Backend::new(kind)?;
    for (at, now_ms) in nows_ms.iter().enumerate() {
        let host = backend.advance(&worlds, *now_ms).await?;
        progress(format_args!("{}: history up to moment {} after {:.0?}", kind.name(), at + 1, began.elapsed()));
        prepare(&browser, Some(*now_ms)).await?;
        let place = Cells {
            kind,
            moment: at + 1,
            origin: &host.origin(),
            worlds: &worlds,
            held_ms: Some(*now_ms),
            joined_ms: None,
        };
        cells.extend(place.read(&browser, &selection.ranges).await?);
    }
    Ok(cells)
}

/// History that ends now, continued by live targets, with true clocks.
async fn over_live_targets(selection: &Selection) -> Result<Vec<Cell>> {
    let nows_ms: Vec<i64> = (0..selection.phases as i64).map(|at| now_ms() + LIVE_MS + at * NEXT_LIVE_MS).collect();
    let mut worlds = selection.worlds(&nows_ms[..1]);
    let live = LiveBackend::start(&mut worlds).await?;
    let browser = browser().await?;
    prepare(&browser, None).await?;
    let mut cells = Vec::new();
    for (at, time_ms) in nows_ms.iter().enumerate() {
        tokio::time::sleep(Duration::from_millis((time_ms - now_ms()).max(0) as u64)).await;
        let place = Cells {
            kind: Kind::Live,
            moment: at + 1,
            origin: live.url(),
            worlds: &worlds,
            held_ms: None,
            joined_ms: Some(live.joined_ms),
        };
        cells.extend(place.read(&browser, &selection.ranges).await?);
    }
    Ok(cells)
}

async fn browser() -> Result<Browser> {
    let browser = Browser::start().await?;
    browser.show_as(WINDOW.0, WINDOW.1, Theme::Light).await?;
    Ok(browser)
}

/// The figures of all worlds over one backend at one moment.
struct Cells<'a> {
    kind: Kind,
    moment: usize,
    origin: &'a str,
    worlds: &'a [World],
    /// The time at which the clocks are held.
    held_ms: Option<i64>,
    /// When live targets were first scraped.
    joined_ms: Option<i64>,
}

impl Cells<'_> {
    async fn read(&self, browser: &Browser, ranges: &[(&'static str, i64)]) -> Result<Vec<Cell>> {
        let mut cells = Vec::new();
        for (range, range_ms) in ranges {
            // A single world is all there is.
            let all = (self.worlds.len() > 1).then(|| everything(self.worlds));
            for world in self.worlds.iter().chain(&all) {
                let compared = self.figures(browser, world, range, *range_ms).await?;
                cells.extend(compared.into_iter().map(|compared| Cell {
                    backend: self.kind.name(),
                    range,
                    moment: self.moment,
                    world: world.name,
                    compared,
                }));
            }
            progress(format_args!("{}: {range} at moment {}", self.kind.name(), self.moment));
        }
        Ok(cells)
    }

    /// The figures of a world over a range.
    async fn figures(&self, browser: &Browser, world: &World, range: &str, range_ms: i64) -> Result<Vec<Compared>> {
        let graphs: BTreeSet<&str> = world.figures.iter().map(|own| own.graph).filter(|id| !id.is_empty()).collect();
        let graphs: Vec<&str> = graphs.into_iter().collect();
        let began_ms = now_ms();
        let reading = read(browser, self.origin, &format!("{}&from=now-{range}", world.scope), &graphs).await?;
        let (now_ms, until_ms) = self.held_ms.map_or((began_ms, now_ms()), |held_ms| (held_ms, held_ms));
        Ok(compare(world, &reading, Moment { now_ms, until_ms, joined_ms: self.joined_ms, range_ms, step_ms: 0 }))
    }
}

/// Reports progress on standard error, which the harness hides only of tests that pass.
fn progress(what: std::fmt::Arguments<'_>) {
    // If standard error is closed, there is nowhere to report this.
    let _ = writeln!(std::io::stderr(), "{what}");
}
