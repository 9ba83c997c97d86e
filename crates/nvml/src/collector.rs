//! Samples all GPUs of the machine.
use crate::fault::fault_of;
use crate::gpm::Monitors;
use crate::gpu::{record_gpu, record_memory, record_processes};
use crate::identity::{Identity, extended};
use crate::metric::{INFO, LAST_XID, Reading, UP};
use crate::recorder::Recorder;
use catalogue::contract::GpuFault;
use nvml_wrapper::enums::event::XidError;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::{Device, EventSet, Nvml, cuda_driver_version_major, cuda_driver_version_minor};
use std::collections::BTreeMap;
use std::ffi::OsStr;

/// The largest number of driver events read in one sample.
const MAX_EVENTS: usize = 64;

/// Loads NVML from `library`, a path or a name for the dynamic loader, and connects to the driver.
///
/// # Errors
/// Why that is not possible.
pub fn open(library: &OsStr) -> Result<Nvml, GpuFault> {
    Nvml::builder().lib_path(library).init().map_err(|error| fault_of(&error))
}

/// Samples all GPUs of the machine.
#[derive(Debug)]
pub struct Collector<'nvml> {
    nvml: &'nvml Nvml,
    driver: String,
    cuda: String,
    /// By index; none before a GPU first responds.
    gpus: Vec<Option<GpuState<'nvml>>>,
}

/// The state of a GPU between samples.
#[derive(Debug)]
struct GpuState<'nvml> {
    identity: Identity,
    monitors: Monitors<'nvml>,
    /// The monitors of its MIG devices, by UUID.
    mig_monitors: BTreeMap<String, Monitors<'nvml>>,
    events: Option<EventSet<'nvml>>,
}

/// The last XID error of each GPU, by UUID. It outlives a collector, because a GPU that fails needs a new one.
pub type LastXids = BTreeMap<String, u64>;

/// One sample of all GPUs.
#[derive(Debug)]
pub struct GpuSample {
    /// The readings of those that respond.
    pub readings: Vec<Reading>,
    /// How many do not respond.
    pub failed_gpus: usize,
}

impl<'nvml> Collector<'nvml> {
    /// A collector of the GPUs of `nvml`.
    pub fn new(nvml: &'nvml Nvml) -> Self {
        let cuda =
            nvml.sys_cuda_driver_version().ok().filter(|version| *version > 0).map(|version| {
                format!("{}.{}", cuda_driver_version_major(version), cuda_driver_version_minor(version))
            });
        let driver = nvml.sys_driver_version().unwrap_or_default();
        Self { nvml, driver, cuda: cuda.unwrap_or_default(), gpus: Vec::new() }
    }

    /// Samples all GPUs, and updates `xids`.
    ///
    /// # Errors
    /// The fault, if no GPU responds.
    pub fn sample(&mut self, xids: &mut LastXids) -> Result<GpuSample, GpuFault> {
        let count = self.nvml.device_count().map_err(|error| fault_of(&error))?;
        self.gpus.resize_with(count as usize, || None);
        let (mut readings, mut faults) = (Vec::new(), Vec::new());
        for gpu in 0..count {
            let result = self.sample_gpu(gpu);
            let state = self.gpus[gpu as usize].as_ref();
            match result {
                Ok(gpu_readings) => readings.extend(gpu_readings),
                Err(fault) => {
                    let labels = state.map(|state| state.identity.labels.clone());
                    let labels = labels.unwrap_or_else(|| extended(&[], &[("gpu", &gpu.to_string())]));
                    let labels = extended(&labels, &[("reason", fault.id())]);
                    readings.push(Reading { metric: &UP, labels, value: 0.0 });
                    faults.push(fault);
                }
            }
            readings.extend(state.and_then(|state| state.last_xid(xids)));
        }
        match faults.first() {
            None if count == 0 => Err(GpuFault::NoGpu),
            Some(fault) if faults.len() == count as usize => Err(*fault),
            _ => Ok(GpuSample { readings, failed_gpus: faults.len() }),
        }
    }

    fn sample_gpu(&mut self, gpu: u32) -> Result<Vec<Reading>, GpuFault> {
        let fault = |error: NvmlError| fault_of(&error);
        let device = self.nvml.device_by_index(gpu).map_err(fault)?;
        let uuid = device.uuid().map_err(fault)?;
        let state = &mut self.gpus[gpu as usize];
        // After a driver reload the index may belong to another GPU.
        if state.as_ref().is_none_or(|state| state.identity.uuid != uuid) {
            let identity =
                identity(&device, gpu, None, uuid, &[("driver_version", &self.driver), ("cuda_version", &self.cuda)]);
            let (monitors, mig_monitors) = (Monitors::default(), BTreeMap::new());
            *state = Some(GpuState { identity, monitors, mig_monitors, events: subscribe(&device) });
        }
        let Some(state) = state else { return Err(GpuFault::Unknown) };
        let mut recorder = Recorder::new(&state.identity.labels);
        let has_pcie = state.monitors.record(&device, None, &mut recorder);
        record_gpu(&device, has_pcie, &mut recorder);
        record_memory(&device, &mut recorder);
        let mig_devices = mig_devices(&device, gpu);
        state.mig_monitors.retain(|uuid, _| mig_devices.iter().any(|(_, identity)| identity.uuid == *uuid));
        if mig_devices.is_empty() {
            record_processes(&device, &mut recorder);
        }
        for (mig_device, identity) in &mig_devices {
            let mut part = Recorder::new(&identity.labels);
            let monitors = state.mig_monitors.entry(identity.uuid.clone()).or_default();
            monitors.record(&device, Some(mig_device), &mut part);
            record_memory(mig_device, &mut part);
            record_processes(mig_device, &mut part);
            part.readings.push(Reading { metric: &INFO, labels: identity.info.clone(), value: 1.0 });
            recorder.merge(part);
        }
        if let Some(fault) = recorder.fault() {
            return Err(fault);
        }
        recorder.record(&UP, &[], Some(1.0));
        let mut readings = recorder.readings;
        readings.push(Reading { metric: &INFO, labels: state.identity.info.clone(), value: 1.0 });
        Ok(readings)
    }
}

impl GpuState<'_> {
    /// The last XID error, which is also reported for a GPU that does not respond.
    fn last_xid(&self, xids: &mut LastXids) -> Option<Reading> {
        let events = std::iter::from_fn(|| self.events.as_ref()?.wait(0).ok()).take(MAX_EVENTS);
        let numbers = events.filter_map(|event| match event.event_data {
            Some(XidError::Value(number)) => Some(number),
            Some(XidError::Unknown) | None => None,
        });
        if let Some(number) = numbers.last() {
            xids.insert(self.identity.uuid.clone(), number);
        }
        let value = *xids.get(&self.identity.uuid)? as f64;
        Some(Reading { metric: &LAST_XID, labels: self.identity.labels.clone(), value })
    }
}

fn identity(device: &Device<'_>, gpu: u32, mig: Option<u32>, uuid: String, more: &[(&'static str, &str)]) -> Identity {
    let bus = device.pci_info().map(|pci| pci.bus_id).unwrap_or_default();
    let serial = device.serial().unwrap_or_default();
    let info: Vec<_> = more.iter().copied().chain([("pci_bus", bus.as_str()), ("serial", serial.as_str())]).collect();
    Identity::new(gpu, mig, uuid, &device.name().unwrap_or_default(), &info)
}

/// The MIG devices of a GPU.
fn mig_devices<'nvml>(device: &Device<'nvml>, gpu: u32) -> Vec<(Device<'nvml>, Identity)> {
    // Drivers differ in what they report about MIG devices if MIG is off.
    if !device.mig_mode().is_ok_and(|mode| mode.current == 1) {
        return Vec::new();
    }
    let max_count = device.mig_device_count().unwrap_or(0);
    let mig_device = |mig: u32| {
        let mig_device = device.mig_device_by_index(mig).ok()?;
        let identity = identity(&mig_device, gpu, Some(mig), mig_device.uuid().ok()?, &[]);
        Some((mig_device, identity))
    };
    (0..max_count).filter_map(mig_device).collect()
}

/// Subscribes to the XID errors of a GPU.
#[cfg(target_os = "linux")]
fn subscribe<'nvml>(device: &Device<'nvml>) -> Option<EventSet<'nvml>> {
    use nvml_wrapper::bitmasks::event::EventTypes;
    let events = device.nvml().create_event_set().ok()?;
    device.register_events(EventTypes::CRITICAL_XID_ERROR, events).ok()
}

/// NVML has events on Linux only.
#[cfg(not(target_os = "linux"))]
fn subscribe<'nvml>(_device: &Device<'nvml>) -> Option<EventSet<'nvml>> {
    None
}
