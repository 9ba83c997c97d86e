//! The identity of a machine.

/// What tells a machine from others.
#[derive(Clone, Debug, PartialEq)]
pub struct MachineIdentity {
    /// When it started, Unix seconds.
    pub boot_s: f64,
    /// Its name.
    pub name: Option<String>,
}
