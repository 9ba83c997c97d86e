//! How busy the parts of a card are, by its performance monitors (GPM, from Hopper on).
use crate::metric::{ENGINE_ACTIVE, PCIE_RECEIVED, PCIE_SENT, SM_ACTIVE, SM_OCCUPANCY, TENSOR_ACTIVE};
use crate::recorder::Probe;
use crate::raw::gpu_instance;
use nvml_wrapper::enums::gpm::GpmMetricId;
use nvml_wrapper::gpm::gpm_metrics_get;
use nvml_wrapper::{Device, GpmSample};

/// What is asked; shares are in percent, traffic in MiB per second (`nvmlGpmMetricId_t`).
const METRICS: [GpmMetricId; 6] = [
    GpmMetricId::GraphicsUtil,
    GpmMetricId::SmUtil,
    GpmMetricId::SmOccupancy,
    GpmMetricId::AnyTensorUtil,
    GpmMetricId::PcieRxPerSec,
    GpmMetricId::PcieTxPerSec,
];

const MIB: f64 = 1_048_576.0;

/// The monitors of one card or slice: values are means between two looks.
#[derive(Debug, Default)]
pub(crate) struct Profile<'nvml> {
    before: Option<GpmSample<'nvml>>,
    is_supported: Option<bool>,
}

impl<'nvml> Profile<'nvml> {
    /// Looks at `device`, a whole card, or at one of its slices, and adds what happened since the last look. Gives whether
    /// traffic over PCIe was among it.
    pub(crate) fn tell(
        &mut self,
        device: &Device<'nvml>,
        slice: Option<&Device<'nvml>>,
        probe: &mut Probe<'_>,
    ) -> bool {
        let is_supported = *self.is_supported.get_or_insert_with(|| device.gpm_support().unwrap_or(false));
        let sample = || match slice {
            None => device.gpm_sample(),
            Some(slice) => device.gpm_mig_sample(gpu_instance(slice)?),
        };
        let now = if is_supported { probe.ask(sample()) } else { None };
        let before = std::mem::replace(&mut self.before, now);
        let (Some(before), Some(now)) = (&before, &self.before) else { return false };
        let Some(values) = probe.ask(gpm_metrics_get(device.nvml(), before, now, &METRICS)) else { return false };
        let mut has_pcie = false;
        for value in values.into_iter().flatten() {
            let share = Some(value.value / 100.0).filter(|share| (0.0..=1.0).contains(share));
            let traffic = Some(value.value * MIB).filter(|traffic| *traffic >= 0.0);
            let (metric, value) = match value.metric_id {
                GpmMetricId::GraphicsUtil => (&ENGINE_ACTIVE, share),
                GpmMetricId::SmUtil => (&SM_ACTIVE, share),
                GpmMetricId::SmOccupancy => (&SM_OCCUPANCY, share),
                GpmMetricId::AnyTensorUtil => (&TENSOR_ACTIVE, share),
                GpmMetricId::PcieRxPerSec => (&PCIE_RECEIVED, traffic),
                GpmMetricId::PcieTxPerSec => (&PCIE_SENT, traffic),
                _ => continue,
            };
            has_pcie |= metric.name == PCIE_SENT.name && value.is_some();
            probe.tell(metric, &[], value);
        }
        has_pcie
    }
}
