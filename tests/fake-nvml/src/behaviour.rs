//! What the file says.
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Settings of the file, one `name=value` a line:
///
/// - `gpus`: how many cards there are; 1 when absent.
/// - `init`: what opening the library returns, an `nvmlReturn_t`.
/// - `all`: what every call about a card returns.
/// - `gpu.<index>`: what every call about this card returns, even asking for it: 15 is lost, 16 needs a reset.
/// - `code.<function>`: what this function returns.
/// - `hang`: a function that never returns; with `deaf` even a request to end is not heard, as within a driver, for half a
///   minute.
/// - `mig.<index>`: into how many slices this card is split.
/// - `monitors`: 1 for cards that have performance monitors.
/// - `sentinels`: 1 for values that mean that there is none.
/// - `utilization`: percent, or several with commas between that follow each other call by call.
/// - `processes.<index>`: `pid:bytes`, several with commas between.
/// - `xid.<index>`: a complaint of the driver, told once.
#[derive(Debug, Default)]
pub(crate) struct Behaviour(HashMap<String, String>);

// `signal(2)`, and numbers of Linux.
unsafe extern "C" {
    fn signal(number: i32, handler: usize) -> usize;
}
const SIGTERM: i32 = 15;
const SIG_IGN: usize = 1;

static CURRENT: Mutex<Option<Arc<Behaviour>>> = Mutex::new(None);

impl Behaviour {
    /// Reads the file again.
    pub(crate) fn read() -> Arc<Self> {
        let text = std::env::var_os("FAKE_NVML").and_then(|path| std::fs::read_to_string(path).ok());
        let lines = text.as_deref().unwrap_or_default().lines().filter_map(|line| line.split_once('='));
        let read = Arc::new(Self(lines.map(|(name, value)| (name.into(), value.into())).collect()));
        *CURRENT.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&read));
        read
    }

    /// As it was read last.
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

    /// What `function` returns instead of an answer about `gpu`, if anything. It may not return at all.
    pub(crate) fn failure(&self, function: &str, gpu: Option<u32>) -> Option<u32> {
        if self.get("hang") == Some(function) {
            let is_deaf = self.get("deaf").is_some();
            if is_deaf {
                // SAFETY: a change of what a signal does has no further conditions.
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
