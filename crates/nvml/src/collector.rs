//! All cards of the machine, sample by sample.
use crate::card::{tell_card, tell_memory, tell_processes};
use crate::fault::fault_of;
use crate::identity::{Identity, with};
use crate::metric::{INFO, LAST_XID, Reading, UP};
use crate::probe::Probe;
use crate::profile::Profile;
use catalogue::contract::GpuFault;
use nvml_wrapper::bitmasks::event::EventTypes;
use nvml_wrapper::enums::event::XidError;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::{Device, EventSet, Nvml, cuda_driver_version_major, cuda_driver_version_minor};
use std::collections::BTreeMap;
use std::ffi::OsStr;

/// The most events that are taken note of in one sample.
const MOST_EVENTS: usize = 64;

/// Loads NVML from `library`, a path or a name that the system's loader finds, and connects to the driver.
///
/// # Errors
/// The fault, where that is not possible.
pub fn open(library: &OsStr) -> Result<Nvml, GpuFault> {
    Nvml::builder().lib_path(library).init().map_err(|error| fault_of(&error))
}

/// Reads all cards of the machine.
#[derive(Debug)]
pub struct Collector<'nvml> {
    nvml: &'nvml Nvml,
    driver: String,
    cuda: String,
    /// By index; none before a card first answered.
    cards: Vec<Option<Card<'nvml>>>,
}

/// What is kept of a card from sample to sample.
#[derive(Debug)]
struct Card<'nvml> {
    identity: Identity,
    profile: Profile<'nvml>,
    /// Those of its slices, by uuid.
    slices: BTreeMap<String, Profile<'nvml>>,
    events: Option<EventSet<'nvml>>,
}

/// The driver's last complaint about each card, by uuid. It outlives a collector, as a card that failed is opened again.
pub type LastXids = BTreeMap<String, u64>;

impl<'nvml> Collector<'nvml> {
    /// A collector of the cards that `nvml` knows.
    pub fn new(nvml: &'nvml Nvml) -> Self {
        let cuda =
            nvml.sys_cuda_driver_version().ok().filter(|version| *version > 0).map(|version| {
                format!("{}.{}", cuda_driver_version_major(version), cuda_driver_version_minor(version))
            });
        let driver = nvml.sys_driver_version().unwrap_or_default();
        Self { nvml, driver, cuda: cuda.unwrap_or_default(), cards: Vec::new() }
    }

    /// What all cards tell now, and how many of them do not answer; complaints are added to `xids`.
    ///
    /// # Errors
    /// The fault, where none of them answers.
    pub fn sample(&mut self, xids: &mut LastXids) -> Result<(Vec<Reading>, usize), GpuFault> {
        let count = self.nvml.device_count().map_err(|error| fault_of(&error))?;
        self.cards.resize_with(count as usize, || None);
        let (mut readings, mut faults) = (Vec::new(), Vec::new());
        for gpu in 0..count {
            let told = self.card(gpu);
            let card = self.cards[gpu as usize].as_ref();
            match told {
                Ok(of_card) => readings.extend(of_card),
                Err(fault) => {
                    let labels = card.map(|card| card.identity.labels.clone());
                    let labels = labels.unwrap_or_else(|| with("", &[("gpu", &gpu.to_string())]));
                    let labels = with(&labels, &[("reason", fault.id())]).into();
                    readings.push(Reading { metric: &UP, labels, value: 0.0 });
                    faults.push(fault);
                }
            }
            readings.extend(card.and_then(|card| card.last_xid(xids)));
        }
        match faults.first() {
            None if count == 0 => Err(GpuFault::NoGpu),
            Some(fault) if faults.len() == count as usize => Err(*fault),
            _ => Ok((readings, faults.len())),
        }
    }

    fn card(&mut self, gpu: u32) -> Result<Vec<Reading>, GpuFault> {
        let fault = |error: NvmlError| fault_of(&error);
        let device = self.nvml.device_by_index(gpu).map_err(fault)?;
        let uuid = device.uuid().map_err(fault)?;
        let known = &mut self.cards[gpu as usize];
        // After a reload of the driver another card may have the number.
        if known.as_ref().is_none_or(|card| card.identity.uuid != uuid) {
            let identity =
                identity(&device, gpu, None, uuid, &[("driver_version", &self.driver), ("cuda_version", &self.cuda)]);
            *known =
                Some(Card { identity, profile: Profile::default(), slices: BTreeMap::new(), events: watch(&device) });
        }
        let Some(card) = known else { return Err(GpuFault::Unknown) };
        let mut probe = Probe::new(&card.identity.labels);
        let has_pcie = card.profile.tell(&device, None, &mut probe);
        tell_card(&device, has_pcie, &mut probe);
        tell_memory(&device, &mut probe);
        let slices = slices(&device, gpu);
        card.slices.retain(|uuid, _| slices.iter().any(|(_, identity)| identity.uuid == *uuid));
        if slices.is_empty() {
            tell_processes(&device, &mut probe);
        }
        for (slice, identity) in &slices {
            let mut part = Probe::new(&identity.labels);
            card.slices.entry(identity.uuid.clone()).or_default().tell(&device, Some(slice), &mut part);
            tell_memory(slice, &mut part);
            tell_processes(slice, &mut part);
            part.readings.push(Reading { metric: &INFO, labels: identity.info.as_str().into(), value: 1.0 });
            probe.join(part);
        }
        if let Some(fault) = probe.fault() {
            return Err(fault);
        }
        probe.tell(&UP, &[], Some(1.0));
        let mut readings = probe.readings;
        readings.push(Reading { metric: &INFO, labels: card.identity.info.as_str().into(), value: 1.0 });
        Ok(readings)
    }
}

impl Card<'_> {
    /// The driver's last complaint, which is as well told of a card that does not answer.
    fn last_xid(&self, xids: &mut LastXids) -> Option<Reading> {
        let told = std::iter::from_fn(|| self.events.as_ref()?.wait(0).ok()).take(MOST_EVENTS);
        let numbers = told.filter_map(|event| match event.event_data {
            Some(XidError::Value(number)) => Some(number),
            Some(XidError::Unknown) | None => None,
        });
        if let Some(number) = numbers.last() {
            xids.insert(self.identity.uuid.clone(), number);
        }
        let value = *xids.get(&self.identity.uuid)? as f64;
        Some(Reading { metric: &LAST_XID, labels: self.identity.labels.as_str().into(), value })
    }
}

fn identity(device: &Device<'_>, gpu: u32, mig: Option<u32>, uuid: String, more: &[(&str, &str)]) -> Identity {
    let bus = device.pci_info().map(|pci| pci.bus_id).unwrap_or_default();
    let serial = device.serial().unwrap_or_default();
    let info: Vec<_> = more.iter().copied().chain([("pci_bus", bus.as_str()), ("serial", serial.as_str())]).collect();
    Identity::new(gpu, mig, uuid, &device.name().unwrap_or_default(), &info)
}

/// The parts that a card is split into.
fn slices<'nvml>(device: &Device<'nvml>, gpu: u32) -> Vec<(Device<'nvml>, Identity)> {
    // Asked only where it is on: drivers differ in what they say of slices elsewhere.
    if !device.mig_mode().is_ok_and(|mode| mode.current == 1) {
        return Vec::new();
    }
    let most = device.mig_device_count().unwrap_or(0);
    let slice = |mig: u32| {
        let slice = device.mig_device_by_index(mig).ok()?;
        let identity = identity(&slice, gpu, Some(mig), slice.uuid().ok()?, &[]);
        Some((slice, identity))
    };
    (0..most).filter_map(slice).collect()
}

/// Asks to be told of the driver's complaints about a card.
fn watch<'nvml>(device: &Device<'nvml>) -> Option<EventSet<'nvml>> {
    let events = device.nvml().create_event_set().ok()?;
    device.register_events(EventTypes::CRITICAL_XID_ERROR, events).ok()
}
