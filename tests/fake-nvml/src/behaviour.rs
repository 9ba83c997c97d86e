//! The configuration file of the fake library.
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The settings in the file, one `name=value` on each line:
///
/// - `gpus`: the number of GPUs, 1 by default.
/// - `init`: the `nvmlReturn_t` of initialisation.
/// - `all`: the return code of every call for a GPU.
/// - `gpu.<index>`: the return code of every call for this GPU, including its lookup: 15 is lost, 16 requires a reset.
/// - `code.<function>`: the return code of this function.
/// - `hang`: a function that does not return; with `deaf` it also ignores SIGTERM for 30 seconds, as a driver would.
/// - `mig.<index>`: the number of MIG devices that this GPU is split into.
/// - `monitors`: 1 if GPUs have performance monitors.
/// - `sentinels`: 1 for sentinels in place of values.
/// - `utilization`: percent, or a comma-separated list whose values follow each other call by call.
/// - `processes.<index>`: a comma-separated list of `pid:bytes`.
/// - `xid.<index>`: an XID error, reported once.
#[derive(Debug, Default)]
pub(crate) struct Behaviour(HashMap<String, String>);

// `signal(2)` with the constants of Linux.
unsafe extern "C" {
    fn signal(number: i32, handler: usize) -> usize;
}
const SIGTERM: i32 = 15;
const SIG_IGN: usize = 1;

static CURRENT: Mutex<Option<Arc<Behaviour>>> = Mutex::new(None);

impl Behaviour {
    /// Reads the file.
    pub(crate) fn read() -> Arc<Self> {
        let text = std::env::var_os("FAKE_NVML").and_then(|path| std::fs::read_to_string(path).ok());
        let lines = text.as_deref().unwrap_or_default().lines().filter_map(|line| line.split_once('='));
        let read = Arc::new(Self(lines.map(|(name, value)| (name.into(), value.into())).collect()));
        *CURRENT.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&read));
        read
    }

    /// The configuration that was read last.
    pub(crate) fn current() -> Arc<Self> {
        let current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner).clone();
        current.unwrap_or_else(Self::read)
    }

    /// A setting's value.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A setting's value as a number.
    pub(crate) fn number(&self, name: &str) -> Option<u32> {
        self.get(name)?.parse().ok()
    }

    /// The error code that `function` is configured to return for `gpu`, if any. Does not return if `function` must hang.
    pub(crate) fn failure(&self, function: &str, gpu: Option<u32>) -> Option<u32> {
        if self.get("hang") == Some(function) {
            let is_deaf = self.get("deaf").is_some();
            if is_deaf {
                // SAFETY: `signal` has no preconditions.
                unsafe { signal(SIGTERM, SIG_IGN) };
            }
            std::thread::sleep(Duration::from_secs(if is_deaf { 30 } else { 3600 }));
            std::process::exit(1);
        }
        self.number(&format!("code.{function}"))
            .or_else(|| self.number(&format!("gpu.{}", gpu?)))
            .or_else(|| gpu.and(self.number("all")))
    }
}
