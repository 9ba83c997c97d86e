//! Reads the GPU performance monitors (GPM, from Hopper on): how busy the parts of a GPU are.
use crate::metric::{ENGINE_ACTIVE, PCIE_RECEIVED, PCIE_SENT, SM_ACTIVE, SM_OCCUPANCY, TENSOR_ACTIVE};
use crate::raw::gpu_instance;
use crate::recorder::Recorder;
use nvml_wrapper::enums::gpm::GpmMetricId;
use nvml_wrapper::gpm::gpm_metrics_get;
use nvml_wrapper::{Device, GpmSample};

/// The metrics read: ratios in percent, traffic in MiB per second (`nvmlGpmMetricId_t`).
const METRICS: [GpmMetricId; 6] = [
    GpmMetricId::GraphicsUtil,
    GpmMetricId::SmUtil,
    GpmMetricId::SmOccupancy,
    GpmMetricId::AnyTensorUtil,
    GpmMetricId::PcieRxPerSec,
    GpmMetricId::PcieTxPerSec,
];

const MIB: f64 = 1_048_576.0;

/// The performance monitors of one GPU or MIG device. Values are means between two samples.
#[derive(Debug, Default)]
pub(crate) struct Monitors<'nvml> {
    previous: Option<GpmSample<'nvml>>,
    is_supported: Option<bool>,
}

impl<'nvml> Monitors<'nvml> {
    /// Samples `device`, a whole GPU, or one of its MIG devices, and records the means since the last sample. Returns
    /// whether PCIe traffic is among them.
    pub(crate) fn record(
        &mut self,
        device: &Device<'nvml>,
        mig_device: Option<&Device<'nvml>>,
        recorder: &mut Recorder<'_>,
    ) -> bool {
        let is_supported = *self.is_supported.get_or_insert_with(|| device.gpm_support().unwrap_or(false));
        let sample = || match mig_device {
            None => device.gpm_sample(),
            Some(mig_device) => device.gpm_mig_sample(gpu_instance(mig_device)?),
        };
        let now = if is_supported { recorder.check(sample()) } else { None };
        let previous = std::mem::replace(&mut self.previous, now);
        let (Some(previous), Some(now)) = (&previous, &self.previous) else { return false };
        let Some(values) = recorder.check(gpm_metrics_get(device.nvml(), previous, now, &METRICS)) else {
            return false;
        };
        let mut has_pcie = false;
        for value in values.into_iter().flatten() {
            let ratio = Some(value.value / 100.0).filter(|ratio| (0.0..=1.0).contains(ratio));
            let traffic = Some(value.value * MIB).filter(|traffic| *traffic >= 0.0);
            let (metric, value) = match value.metric_id {
                GpmMetricId::GraphicsUtil => (&ENGINE_ACTIVE, ratio),
                GpmMetricId::SmUtil => (&SM_ACTIVE, ratio),
                GpmMetricId::SmOccupancy => (&SM_OCCUPANCY, ratio),
                GpmMetricId::AnyTensorUtil => (&TENSOR_ACTIVE, ratio),
                GpmMetricId::PcieRxPerSec => (&PCIE_RECEIVED, traffic),
                GpmMetricId::PcieTxPerSec => (&PCIE_SENT, traffic),
                _ => continue,
            };
            has_pcie |= metric.name == PCIE_SENT.name && value.is_some();
            recorder.record(metric, &[], value);
        }
        has_pcie
    }
}
