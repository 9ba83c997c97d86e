//! The slots of a series, without an allocation for the usual case of one.
use super::GroupSlot;
use std::ops::Deref;
use std::sync::Arc;

/// The slots of a series. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) enum Slots {
    #[default]
    None,
    One(GroupSlot),
    Several(Arc<[GroupSlot]>),
}

impl Deref for Slots {
    type Target = [GroupSlot];

    fn deref(&self) -> &[GroupSlot] {
        match self {
            Self::None => &[],
            Self::One(slot) => std::slice::from_ref(slot),
            Self::Several(slots) => slots,
        }
    }
}

impl FromIterator<GroupSlot> for Slots {
    fn from_iter<I: IntoIterator<Item = GroupSlot>>(slots: I) -> Self {
        let mut slots = slots.into_iter();
        match (slots.next(), slots.next()) {
            (None, _) => Self::None,
            (Some(slot), None) => Self::One(slot),
            (Some(first), Some(second)) => Self::Several([first, second].into_iter().chain(slots).collect()),
        }
    }
}
