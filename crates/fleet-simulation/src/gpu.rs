//! The GPUs of a replica: how busy they are, what they draw, and how warm they get.
use crate::random::Random;

/// A kind of GPU.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct GpuModel {
    pub(crate) name: &'static str,
    pub(crate) memory_mib: f64,
    pub(crate) idle_w: f64,
    pub(crate) limit_w: f64,
    pub(crate) sm_clock_mhz: f64,
    pub(crate) memory_clock_mhz: f64,
}

/// NVIDIA's H100, and the smaller L40S.
pub(crate) const H100: GpuModel = GpuModel {
    name: "NVIDIA H100 80GB HBM3",
    memory_mib: 81_559.0,
    idle_w: 72.0,
    limit_w: 700.0,
    sm_clock_mhz: 1_980.0,
    memory_clock_mhz: 2_619.0,
};
pub(crate) const L40S: GpuModel = GpuModel {
    name: "NVIDIA L40S",
    memory_mib: 46_068.0,
    idle_w: 35.0,
    limit_w: 350.0,
    sm_clock_mhz: 2_520.0,
    memory_clock_mhz: 9_001.0,
};

/// Temperatures of idle GPUs and of those at their limit of power.
const COOL_C: f64 = 31.0;
const WARM_C: f64 = 66.0;
/// Above this temperature a GPU slows down.
pub(crate) const SLOWDOWN_C: f64 = 87.0;
/// How fast the temperature follows the power.
const THERMAL_TIME_S: f64 = 90.0;

/// One GPU.
#[derive(Clone, Debug)]
pub(crate) struct Gpu {
    pub(crate) model: GpuModel,
    pub(crate) uuid: String,
    /// Shares of the last interval in which it was busy, and in which it prefilled.
    pub(crate) busy: f64,
    pub(crate) prefill: f64,
    pub(crate) memory_used_mib: f64,
    pub(crate) power_w: f64,
    pub(crate) temperature_c: f64,
    pub(crate) sm_clock_mhz: f64,
    pub(crate) energy_j: f64,
    /// Whether it slows down because it is hot.
    pub(crate) is_throttled: bool,
}

/// What the replica on the GPUs did in the last interval.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct GpuLoad {
    /// Shares of the time.
    pub(crate) decode: f64,
    pub(crate) prefill: f64,
    /// The share of the memory that the process has taken.
    pub(crate) memory: f64,
    /// Whether cooling fails.
    pub(crate) is_hot: bool,
}

impl Gpu {
    pub(crate) fn new(model: GpuModel, random: &mut Random) -> Self {
        let hex =
            |random: &mut Random, digits: usize| format!("{:0digits$x}", random.next() & ((1 << (4 * digits)) - 1));
        let parts: Vec<String> = [8, 4, 4, 4, 12].into_iter().map(|digits| hex(random, digits)).collect();
        Self {
            model,
            uuid: format!("GPU-{}", parts.join("-")),
            busy: 0.0,
            prefill: 0.0,
            memory_used_mib: 4.0,
            power_w: model.idle_w,
            temperature_c: COOL_C,
            sm_clock_mhz: model.sm_clock_mhz,
            energy_j: 0.0,
            is_throttled: false,
        }
    }

    /// Moves on by an interval.
    pub(crate) fn advance(&mut self, seconds: f64, load: &GpuLoad, random: &mut Random) {
        let GpuModel { idle_w, limit_w, sm_clock_mhz, memory_mib, .. } = self.model;
        let noise = random.between(0.985, 1.015);
        (self.busy, self.prefill) = ((load.decode + load.prefill).min(1.0) * noise.min(1.0), load.prefill * noise);
        // Prefill is limited by computing and draws the most; decoding waits for memory.
        let share = (0.46 * load.decode + 0.93 * load.prefill).min(1.0) * noise;
        self.power_w = idle_w + (limit_w - idle_w) * share;
        let ambient_c = if load.is_hot { 30.0 } else { 0.0 };
        let aim_c = COOL_C + ambient_c + (WARM_C - COOL_C) * share;
        self.temperature_c += (aim_c - self.temperature_c) * (1.0 - (-seconds / THERMAL_TIME_S).exp());
        self.is_throttled = load.is_hot && self.busy > 0.1;
        self.sm_clock_mhz = if self.is_throttled { (sm_clock_mhz * 0.58 / 15.0).round() * 15.0 } else { sm_clock_mhz };
        self.memory_used_mib = (memory_mib * load.memory).max(4.0).round();
        self.energy_j += self.power_w * seconds;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn power_and_temperature_follow_the_load() {
        let mut random = Random::new(1);
        let mut gpu = Gpu::new(H100, &mut random);
        let busy = GpuLoad { decode: 0.4, prefill: 0.5, memory: 0.9, is_hot: false };
        (0..40).for_each(|_| gpu.advance(15.0, &busy, &mut random));
        assert!(gpu.power_w > 400.0 && gpu.power_w < 700.0, "{}", gpu.power_w);
        assert!(gpu.temperature_c > 50.0 && gpu.temperature_c < SLOWDOWN_C && !gpu.is_throttled);
        (0..40).for_each(|_| gpu.advance(15.0, &GpuLoad { is_hot: true, ..busy }, &mut random));
        assert!(gpu.is_throttled && gpu.temperature_c > 80.0 && gpu.sm_clock_mhz < 1_300.0, "{gpu:?}");
        let joules = gpu.energy_j;
        gpu.advance(15.0, &GpuLoad::default(), &mut random);
        assert!((gpu.energy_j - joules - gpu.power_w * 15.0).abs() < 1e-6);
    }
}
