//! Logs when targets come up, fail or are removed: each in a line of its own as long as they are few, and many together in
//! one line.
use crate::target::Target;
use crate::target::failure::Failure;
use catalogue::contract::ScrapeFailure;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tracing::{info, warn};

/// Within this time after the first change of a kind, only so many more have lines of their own; the others share one.
const WINDOW: Duration = Duration::from_secs(10);
const MAX_OWN_LINES: usize = 3;

/// The maximum number of targets that a line for many names.
const MAX_NAMES: usize = 5;

/// What all scrape loops log to.
#[derive(Debug, Default)]
pub(crate) struct ChangeLog(Mutex<Vec<Window>>);

/// What has become of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Up,
    Removed,
    Failed(ScrapeFailure),
}

/// The changes of one kind within a time.
#[derive(Debug)]
struct Window {
    kind: Kind,
    own_lines: usize,
    /// The number of those without a line of their own, and some of their names.
    others: usize,
    names: Vec<String>,
}

/// How a change is logged.
#[derive(Debug, PartialEq, Eq)]
enum Line {
    /// Now. It is the first of its window, which has to be closed later.
    First,
    /// Now.
    Own,
    /// Together with others, when the window is closed.
    Shared,
}

impl ChangeLog {
    /// Logs that a target is up, or how its scrapes fail now.
    pub(crate) fn note_outcome(self: &Arc<Self>, target: &Target, failure: Option<Failure>) {
        match failure {
            Some(failure) => self.note(Kind::Failed(failure.reason()), &target.name(), |name| {
                warn!(target = ?name, reason = failure.reason().id(), "scrape failed: {failure}");
            }),
            None => self.note(Kind::Up, &target.name(), |name| info!(target = ?name, "up")),
        }
    }

    /// Logs that a target is no longer scraped.
    pub(crate) fn note_removed(self: &Arc<Self>, target: &Target) {
        self.note(Kind::Removed, &target.name(), |name| info!(target = ?name, "removed"));
    }

    fn note(self: &Arc<Self>, kind: Kind, name: &str, log: impl FnOnce(&str)) {
        let line = self.line(kind, name);
        if line != Line::Shared {
            log(name);
        }
        if line == Line::First {
            let own = Arc::clone(self);
            tokio::spawn(async move {
                tokio::time::sleep(WINDOW).await;
                own.close(kind).into_iter().for_each(Window::log);
            });
        }
    }

    fn line(&self, kind: Kind, name: &str) -> Line {
        let mut windows = self.0.lock();
        let Some(window) = windows.iter_mut().find(|window| window.kind == kind) else {
            windows.push(Window { kind, own_lines: 1, others: 0, names: Vec::new() });
            return Line::First;
        };
        if window.own_lines < MAX_OWN_LINES {
            window.own_lines += 1;
            return Line::Own;
        }
        window.others += 1;
        if window.names.len() < MAX_NAMES {
            window.names.push(name.to_owned());
        }
        Line::Shared
    }

    fn close(&self, kind: Kind) -> Option<Window> {
        let mut windows = self.0.lock();
        let at = windows.iter().position(|window| window.kind == kind)?;
        Some(windows.swap_remove(at))
    }
}

impl Window {
    fn log(self) {
        let Self { kind, others: targets, names, .. } = self;
        if targets == 0 {
            return;
        }
        match kind {
            Kind::Up => info!(targets, among = ?names, "more are up"),
            Kind::Removed => info!(targets, among = ?names, "more were removed"),
            Kind::Failed(reason) => {
                warn!(targets, among = ?names, reason = reason.id(), "more scrapes failed: {}", reason.words());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_changes_have_lines_of_their_own_and_many_share_one() {
        let log = ChangeLog::default();
        let failed = Kind::Failed(ScrapeFailure::Connect);
        let line = |kind, target: usize| log.line(kind, &format!("target-{target}"));
        assert_eq!([0, 1, 2].map(|target| line(failed, target)), [Line::First, Line::Own, Line::Own]);
        assert!((3..1000).all(|target| line(failed, target) == Line::Shared));
        assert_eq!(line(Kind::Up, 0), Line::First, "another kind");
        let Window { others, names, .. } = log.close(failed).expect("a window");
        assert_eq!((others, names.len(), names[0].as_str()), (997, MAX_NAMES, "target-3"));
        assert_eq!(log.close(Kind::Up).map(|window| window.others), Some(0));
        assert_eq!(line(failed, 0), Line::First, "after the window");
    }
}
