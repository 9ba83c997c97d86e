//! Finds out whether a metrics page is about the machine that the companion runs on, as that of a node_exporter may be.
use crate::scrape::parsed_page::ParsedPage;
use crate::target::machine::MachineIdentity;
use promql::Labels;
use std::sync::Arc;

/// Start times of one machine differ by less: the kernel computes its own from a clock that is adjusted.
const BOOT_TOLERANCE_S: f64 = 2.0;

const BOOT_TIME: &str = "node_boot_time_seconds";
const NAME_INFO: &str = "node_uname_info";

/// Compares successive metrics pages of one target with the companion's machine.
#[derive(Debug)]
pub(crate) struct SameMachine {
    own: Arc<MachineIdentity>,
    /// Whether the target's address is on this machine.
    is_local: bool,
    /// The number of the series with the start time.
    boot: Option<u32>,
    name: Option<String>,
    /// The result of the last page that had a start time. It is kept while the target is down.
    is_same: bool,
}

impl SameMachine {
    /// For a target at an address that is on this machine or not.
    pub(crate) fn new(own: Arc<MachineIdentity>, is_local: bool) -> Self {
        Self { own, is_local, boot: None, name: None, is_same: false }
    }

    /// Whether the page, or the last one that said it, is about the companion's machine.
    pub(crate) fn compare(&mut self, page: &ParsedPage) -> bool {
        self.boot = self.boot.filter(|number| !page.removed.contains(number));
        for series in &page.added {
            match series.labels.metric_name() {
                Some(BOOT_TIME) => self.boot = Some(series.number),
                Some(NAME_INFO) => self.name = node_name(&series.labels),
                _ => {}
            }
        }
        let boot = self.boot.and_then(|number| page.samples.iter().find(|sample| sample.number == number));
        if let Some(boot) = boot {
            let has_own_name = self.is_local || self.name.is_some() && self.name == self.own.name;
            self.is_same = has_own_name && (boot.value - self.own.boot_s).abs() <= BOOT_TOLERANCE_S;
        }
        self.is_same
    }
}

fn node_name(labels: &Labels) -> Option<String> {
    labels.get("nodename").map(str::to_owned)
}
