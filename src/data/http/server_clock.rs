//! The server's clock, estimated from its answers: time ranges and ages follow it, not the browser's clock.
use crate::wasm_size::sort::sort_by;

/// The time now by the browser's clock, Unix milliseconds.
pub(crate) fn browser_ms() -> i64 {
    js_sys::Date::now() as i64
}

/// How far the server's clock is ahead of the browser's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServerClock {
    offsets_ms: Vec<i64>,
}

/// Offsets that the median is taken of.
const MAX_OFFSETS: usize = 5;

impl ServerClock {
    /// Adds an answer evaluated at `server_ms`; the request was sent at `asked_ms` and answered at `received_ms` by the
    /// browser's clock.
    pub fn add(&mut self, asked_ms: i64, received_ms: i64, server_ms: i64) {
        if self.offsets_ms.len() == MAX_OFFSETS {
            self.offsets_ms.remove(0);
        }
        self.offsets_ms.push(server_ms - i64::midpoint(asked_ms, received_ms));
    }

    /// The median offset; zero before the first answer.
    pub fn offset_ms(&self) -> i64 {
        let mut sorted = self.offsets_ms.clone();
        sort_by(&mut sorted, i64::cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or(0)
    }

    /// The server's time at a time of the browser.
    pub fn server_ms(&self, browser_ms: i64) -> i64 {
        browser_ms + self.offset_ms()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slow_answer_does_not_move_the_clock() {
        let mut clock = ServerClock::default();
        assert_eq!(clock.server_ms(7), 7);
        for (asked, received, server) in
            [(0, 10, 3_600_005), (0, 10, 3_600_005), (0, 9000, 3_600_010), (20, 30, 3_600_025)]
        {
            clock.add(asked, received, server);
        }
        assert_eq!(clock.server_ms(1000), 3_601_000);
        for at in 0..20 {
            clock.add(at, at, at);
        }
        assert_eq!(clock.offset_ms(), 0);
    }
}
