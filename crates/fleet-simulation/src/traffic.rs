//! The requests that a model receives: how many at each time of the day, how long they are, and who sends them.
use crate::random::Random;

const DAY_S: f64 = 86_400.0;
const HOUR_S: f64 = 3_600.0;

/// The number of tenants of a model.
pub(crate) const TENANTS: usize = 4;

/// What is requested of a model.
#[derive(Clone, Debug)]
pub(crate) struct Workload {
    /// Requests per second at the busiest time of an ordinary day.
    pub(crate) peak_rate: f64,
    /// The rate at the quietest time, as a share of the peak.
    pub(crate) night_share: f64,
    /// Median length of a prompt in tokens, and the standard deviation of its logarithm.
    pub(crate) prompt: (f64, f64),
    /// As `prompt`, of answers.
    pub(crate) answer: (f64, f64),
    /// The longest prompt and the longest answer, in tokens.
    pub(crate) max_tokens: (u32, u32),
    /// The share of a prompt's tokens that earlier prompts have too, and which a warm prefix cache finds.
    pub(crate) shared_prefix: f64,
    /// The share of the requests that are refused because they are not valid.
    pub(crate) invalid_share: f64,
    /// The share of the requests whose client goes away before the answer is complete.
    pub(crate) abandoned_share: f64,
}

/// How an incident changes the traffic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct TrafficChange {
    /// A factor of the rate.
    pub(crate) rate: f64,
    /// A factor of the length of the prompts that the first tenant sends.
    pub(crate) long_prompts: f64,
    /// The share of requests that come from the first tenant, if it is not the usual one.
    pub(crate) first_tenant_share: Option<f64>,
    /// A factor of the prefix that prompts share.
    pub(crate) shared_prefix: f64,
    /// The share of requests that the engine fails to answer.
    pub(crate) error_share: f64,
}

impl TrafficChange {
    /// Ordinary traffic.
    pub(crate) const NONE: Self =
        Self { rate: 1.0, long_prompts: 1.0, first_tenant_share: None, shared_prefix: 1.0, error_share: 0.0 };
}

/// How a request ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The model ended its answer.
    Stop,
    /// The answer reached the length that was requested.
    Length,
    /// The client went away.
    Abort,
    /// The engine failed.
    Error,
    /// It was not valid, and never reached the engine.
    Invalid,
}

/// A request, and what has been done for it so far. Times are in seconds since the simulation began.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) arrived_s: f64,
    pub(crate) prompt_tokens: u32,
    /// Tokens of the prompt that the prefix cache has.
    pub(crate) cached_tokens: u32,
    /// Tokens of the answer when it is complete.
    pub(crate) answer_tokens: u32,
    /// The length that was requested.
    pub(crate) max_tokens: u32,
    /// Tokens of the answer so far; they flow, so the last one may be in part.
    pub(crate) generated_tokens: f64,
    pub(crate) ending: Ending,
    /// When it was first scheduled.
    pub(crate) scheduled_s: Option<f64>,
    pub(crate) first_token_s: Option<f64>,
    pub(crate) preemptions: u32,
}

impl Workload {
    /// Requests per second at a time by the users' clocks, in seconds as Unix counts them. Days have a peak in the early afternoon and weekends are quieter;
    /// about one hour in four has a burst of a few minutes.
    pub(crate) fn rate(&self, unix_s: f64, seed: u64) -> f64 {
        let hour = unix_s.rem_euclid(DAY_S) / HOUR_S;
        // Two waves: work hours around 14:00, and a lower one in the evening.
        let wave = |peak: f64, width: f64| {
            let distance = (hour - peak).abs().min(24.0 - (hour - peak).abs());
            (-(distance / width).powi(2)).exp()
        };
        let day = (wave(14.0, 4.5) + 0.45 * wave(20.5, 2.5)).min(1.0);
        // The first day of Unix time was a Thursday.
        let is_weekend = matches!((unix_s / DAY_S).floor().rem_euclid(7.0) as u32, 2 | 3);
        let week = if is_weekend { 0.7 } else { 1.0 };
        self.peak_rate * week * (self.night_share + (1.0 - self.night_share) * day) * burst(unix_s, seed)
    }

    /// A request that arrives at a time, in seconds since the simulation began.
    pub(crate) fn request(&self, arrived_s: f64, change: &TrafficChange, random: &mut Random) -> Request {
        let tenant = pick_tenant(change.first_tenant_share, random);
        let factor = if tenant == 0 { change.long_prompts } else { 1.0 };
        let length = |(median, sigma): (f64, f64), max: u32, factor: f64, random: &mut Random| {
            (random.log_normal(median * factor, sigma) as u32).clamp(1, max)
        };
        let prompt_tokens = length(self.prompt, self.max_tokens.0, factor, random);
        let wanted_tokens = length(self.answer, u32::MAX, 1.0, random);
        // Clients ask for round numbers.
        let max_tokens = (self.max_tokens.1 >> (random.next() % 2)).max(1);
        let ending = match random.uniform() {
            draw if draw < self.invalid_share => Ending::Invalid,
            draw if draw < self.invalid_share + change.error_share => Ending::Error,
            draw if draw < self.invalid_share + change.error_share + self.abandoned_share => Ending::Abort,
            _ if wanted_tokens >= max_tokens => Ending::Length,
            _ => Ending::Stop,
        };
        let answer_tokens = match ending {
            Ending::Abort => (f64::from(wanted_tokens.min(max_tokens)) * random.uniform()) as u32,
            _ => wanted_tokens.min(max_tokens),
        };
        let shared = (self.shared_prefix * change.shared_prefix * random.between(0.6, 1.4)).min(0.98);
        // Only whole blocks of sixteen tokens are found, and never the last one.
        let cached_tokens = ((f64::from(prompt_tokens) * shared) as u32).min(prompt_tokens - 1) / 16 * 16;
        Request {
            arrived_s,
            prompt_tokens,
            cached_tokens,
            answer_tokens: answer_tokens.max(1),
            max_tokens,
            generated_tokens: 0.0,
            ending,
            scheduled_s: None,
            first_token_s: None,
            preemptions: 0,
        }
    }
}

fn pick_tenant(first_share: Option<f64>, random: &mut Random) -> u8 {
    const SHARES: [f64; TENANTS] = [0.12, 0.48, 0.28, 0.12];
    if first_share.is_some_and(|share| random.chance(share)) {
        return 0;
    }
    let mut draw = random.uniform();
    for (tenant, share) in SHARES.into_iter().enumerate() {
        if draw < share {
            return tenant as u8;
        }
        draw -= share;
    }
    TENANTS as u8 - 1
}

/// The factor of a burst at a time, which depends on the hour alone.
fn burst(unix_s: f64, seed: u64) -> f64 {
    let hour = (unix_s / HOUR_S).floor();
    let mut random = Random::new(seed ^ (hour as i64 as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let (draw, begins_s, lasts_s) = (random.uniform(), random.between(0.0, 3_000.0), random.between(120.0, 420.0));
    let since_s = unix_s - hour * HOUR_S - begins_s;
    let is_burst = draw < 0.25 && (0.0..lasts_s).contains(&since_s);
    if is_burst { 1.15 + random.uniform() * 0.3 } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workload() -> Workload {
        Workload {
            peak_rate: 10.0,
            night_share: 0.3,
            prompt: (600.0, 0.8),
            answer: (200.0, 0.7),
            max_tokens: (8_000, 1_024),
            shared_prefix: 0.5,
            invalid_share: 0.01,
            abandoned_share: 0.02,
        }
    }

    #[test]
    fn days_have_a_peak_and_weekends_are_quieter() {
        // Thursday, 1 January 1970.
        let mean = |day: f64, hour: f64| {
            let times = (0..60).map(|minute| day * DAY_S + hour * HOUR_S + f64::from(minute) * 60.0);
            times.map(|unix_s| workload().rate(unix_s, 3)).sum::<f64>() / 60.0
        };
        assert!(mean(0.0, 13.0) > 2.0 * mean(0.0, 4.0));
        assert!(mean(2.0, 13.0) < 0.8 * mean(4.0, 13.0), "a Saturday and a Monday");
    }

    #[test]
    fn long_prompts_come_from_one_tenant() {
        let mean = |change: TrafficChange| {
            let mut random = Random::new(1);
            let requests = (0..20_000).map(|_| workload().request(0.0, &change, &mut random));
            requests.map(|request| f64::from(request.prompt_tokens)).sum::<f64>() / 20_000.0
        };
        let usual = mean(TrafficChange::NONE);
        let long = mean(TrafficChange { long_prompts: 4.0, ..TrafficChange::NONE });
        let more = mean(TrafficChange { long_prompts: 4.0, first_tenant_share: Some(0.5), ..TrafficChange::NONE });
        // Of one tenant, who sends 12 % of the requests, and then 56 %.
        assert!((1.2..1.45).contains(&(long / usual)) && (2.2..2.8).contains(&(more / usual)), "{usual} {long} {more}");
    }
}
