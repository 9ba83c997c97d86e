//! NVIDIA's DCGM exporter, on the machine of a replica.
use crate::gpu::{Gpu, SLOWDOWN_C};
use crate::page::{Kind, PageSink, PageSource};

const DRIVER: &str = "570.133.20";

/// The bit of a thermal slowdown by software. Source: NVML, `nvmlClocksEventReasonSwThermalSlowdown`.
const THERMAL: f64 = 32.0;

/// A machine with its GPUs.
pub(crate) struct Machine<'a> {
    pub(crate) hostname: &'a str,
    pub(crate) gpus: &'a [Gpu],
}

impl PageSource for Machine<'_> {
    fn write(&self, page: &mut impl PageSink) {
        write_gpus(self, page);
    }
}

fn write_gpus(machine: &Machine<'_>, page: &mut impl PageSink) {
    let Machine { hostname, gpus } = *machine;
    let mut each = |name: &str, kind: Kind, help: &str, value: &dyn Fn(&Gpu) -> f64| {
        page.family(name, kind, help);
        for (index, gpu) in gpus.iter().enumerate() {
            const NUMBERS: [&str; 8] = ["0", "1", "2", "3", "4", "5", "6", "7"];
            const DEVICES: [&str; 8] =
                ["nvidia0", "nvidia1", "nvidia2", "nvidia3", "nvidia4", "nvidia5", "nvidia6", "nvidia7"];
            let labels = [
                ("gpu", NUMBERS[index % 8]),
                ("UUID", &*gpu.uuid),
                ("device", DEVICES[index % 8]),
                ("modelName", gpu.model.name),
                ("Hostname", hostname),
                ("DCGM_FI_DRIVER_VERSION", DRIVER),
            ];
            page.sample("", &labels, value(gpu));
        }
    };
    let percent = |share: f64| (share * 100.0).round();
    let thousandths = |value: f64| (value * 1000.0).round() / 1000.0;
    each("DCGM_FI_DEV_SM_CLOCK", Kind::Gauge, "SM clock frequency (in MHz).", &|gpu| gpu.sm_clock_mhz);
    each("DCGM_FI_DEV_MEM_CLOCK", Kind::Gauge, "Memory clock frequency (in MHz).", &|gpu| gpu.model.memory_clock_mhz);
    each("DCGM_FI_DEV_MEMORY_TEMP", Kind::Gauge, "Memory temperature (in C).", &|gpu| {
        (gpu.temperature_c + 9.0).round()
    });
    each("DCGM_FI_DEV_GPU_TEMP", Kind::Gauge, "GPU temperature (in C).", &|gpu| gpu.temperature_c.round());
    each("DCGM_FI_DEV_SLOWDOWN_TEMP", Kind::Gauge, "Slowdown temperature (in C).", &|_| SLOWDOWN_C);
    each("DCGM_FI_DEV_POWER_USAGE", Kind::Gauge, "Power draw (in W).", &|gpu| thousandths(gpu.power_w));
    each("DCGM_FI_DEV_POWER_MGMT_LIMIT", Kind::Gauge, "Power limit (in W).", &|gpu| gpu.model.limit_w);
    let help = "Total energy consumption since boot (in mJ).";
    each("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", Kind::Counter, help, &|gpu| (gpu.energy_j * 1000.0).round());
    each("DCGM_FI_DEV_PCIE_REPLAY_COUNTER", Kind::Counter, "Total number of PCIe retries.", &|_| 0.0);
    each("DCGM_FI_DEV_GPU_UTIL", Kind::Gauge, "GPU utilization (in %).", &|gpu| percent(gpu.busy));
    let help = "Memory utilization (in %).";
    each("DCGM_FI_DEV_MEM_COPY_UTIL", Kind::Gauge, help, &|gpu| percent((gpu.busy - gpu.prefill).max(0.0) * 0.7));
    each("DCGM_FI_DEV_XID_ERRORS", Kind::Gauge, "Value of the last XID error encountered.", &|_| 0.0);
    let free = |gpu: &Gpu| gpu.model.memory_mib - gpu.memory_used_mib;
    each("DCGM_FI_DEV_FB_FREE", Kind::Gauge, "Framebuffer memory free (in MiB).", &free);
    each("DCGM_FI_DEV_FB_USED", Kind::Gauge, "Framebuffer memory used (in MiB).", &|gpu| gpu.memory_used_mib);
    let help = "Current clock throttle reasons (bitmask of DCGM_CLOCKS_THROTTLE_REASON_*).";
    let reasons = |gpu: &Gpu| if gpu.is_throttled { THERMAL } else { f64::from(gpu.busy == 0.0) };
    each("DCGM_FI_DEV_CLOCK_THROTTLE_REASONS", Kind::Gauge, help, &reasons);
    let help = "Ratio of time the graphics engine is active.";
    each("DCGM_FI_PROF_GR_ENGINE_ACTIVE", Kind::Gauge, help, &|gpu| thousandths(gpu.busy));
    let help = "Ratio of cycles the tensor (HMMA) pipe is active.";
    each("DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", Kind::Gauge, help, &|gpu| {
        thousandths(gpu.prefill * 0.62 + (gpu.busy - gpu.prefill).max(0.0) * 0.11)
    });
    let help = "Ratio of cycles the device memory interface is active sending or receiving data.";
    each("DCGM_FI_PROF_DRAM_ACTIVE", Kind::Gauge, help, &|gpu| {
        thousandths(gpu.prefill * 0.24 + (gpu.busy - gpu.prefill).max(0.0) * 0.71)
    });
}
