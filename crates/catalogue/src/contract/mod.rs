//! What the companion and the page agree on: metric names, the closed lists behind their labels, and what an origin is.
pub mod names;

mod attribution_failure;
mod gpu_fault;
mod origin;
mod replica_state;
mod restart_reason;
mod scrape_failure;
mod target_families;
mod target_role;

pub use attribution_failure::AttributionFailure;
pub use gpu_fault::GpuFault;
pub use origin::is_origin;
pub use replica_state::ReplicaState;
pub use restart_reason::RestartReason;
pub use scrape_failure::ScrapeFailure;
pub use target_families::{OF_TARGETS, is_about_target};
pub use target_role::{MachineSource, TargetRole};

/// Defines an enum whose variants are the values of a label.
macro_rules! label_values {
    ($(#[$enum_doc:meta])* pub enum $name:ident { $($(#[$doc:meta])* $variant:ident = $id:literal,)* }) => {
        $(#[$enum_doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$doc])* $variant,)*
        }

        impl $name {
            /// Every variant, in order.
            pub const ALL: [Self; [$(Self::$variant),*].len()] = [$(Self::$variant),*];

            /// The label value.
            pub fn id(self) -> &'static str {
                match self {
                    $(Self::$variant => $id,)*
                }
            }

            /// The variant with this label value.
            pub fn from_id(id: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|one| one.id() == id)
            }
        }
    };
}
use label_values;
