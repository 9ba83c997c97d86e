//! The fingers on a graph: one points and selects as a mouse does, two pinch the range.
use crate::state::time_range::TimeRange;
use plot::Projection;

/// The fingers that are down; more than two count as two.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Fingers {
    /// Number and place in CSS pixels of the stage.
    down: Vec<(i32, (f64, f64))>,
    /// What the second finger took hold of; none while there is one alone.
    grip: Option<Grip>,
}

/// The graph as it was when the pinch began.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Grip {
    projection: Projection,
    before: (f64, f64),
}

/// How far a pinch has come, as [`crate::state::view::Range::pinched`] takes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pinch {
    /// The range that it began over.
    pub(crate) range: TimeRange,
    /// Middle and distance of the fingers at first.
    pub(crate) before: (f64, f64),
    /// Middle and distance now.
    pub(crate) after: (f64, f64),
}

impl Fingers {
    /// A finger comes down at a place; whether there are two now.
    pub(crate) fn down(&mut self, id: i32, at: (f64, f64), projection: Projection) -> bool {
        if self.down.len() < 2 {
            self.down.push((id, at));
        }
        if self.grip.is_none() {
            self.grip = self.spread(&projection).map(|before| Grip { projection, before });
        }
        self.grip.is_some()
    }

    /// A finger moves; how far the pinch has come, if there is one.
    pub(crate) fn moved(&mut self, id: i32, to: (f64, f64)) -> Option<Pinch> {
        let (_, at) = self.down.iter_mut().find(|(own, _)| *own == id)?;
        *at = to;
        let Grip { projection, before } = self.grip?;
        let after = self.spread(&projection)?;
        Some(Pinch { range: TimeRange::new(projection.start_ms, projection.end_ms), before, after })
    }

    /// A finger goes; whether that ends a pinch.
    pub(crate) fn up(&mut self, id: i32) -> bool {
        let was_down = self.down.iter().any(|(own, _)| *own == id);
        self.down.retain(|(own, _)| *own != id);
        was_down && self.grip.take().is_some()
    }

    /// Middle of two fingers as a share of the plotted width, and their distance in pixels.
    fn spread(&self, projection: &Projection) -> Option<(f64, f64)> {
        let [(_, one), (_, other)] = self.down.as_slice() else { return None };
        let width = projection.right - projection.left;
        let middle = (f64::midpoint(one.0, other.0) - projection.left) / width;
        Some((middle, (one.0 - other.0).hypot(one.1 - other.1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plot::Margins;

    fn projection() -> Projection {
        let margins = Margins { left: 50.0, top: 0.0, right: 0.0, bottom: 0.0 };
        Projection::new(250.0, 100.0, margins, (1000, 5000), (0.0, 1.0))
    }

    #[test]
    fn two_fingers_pinch_until_one_goes() {
        let mut fingers = Fingers::default();
        assert!(!fingers.down(7, (100.0, 10.0), projection()));
        assert_eq!(fingers.moved(7, (130.0, 10.0)), None, "one alone selects");
        assert!(fingers.down(9, (170.0, 40.0), projection()));
        let pinch = fingers.moved(9, (200.0, 10.0)).expect("a pinch");
        assert_eq!((pinch.range, pinch.before, pinch.after), (TimeRange::new(1000, 5000), (0.5, 50.0), (0.575, 70.0)));
        assert!(fingers.up(7));
        assert_eq!(fingers.moved(9, (100.0, 10.0)), None, "the other one is idle until it goes, too");
        assert!(!fingers.up(9));
        assert_eq!(fingers, Fingers::default());
    }

    #[test]
    fn a_third_finger_changes_nothing() {
        let mut fingers = Fingers::default();
        for id in 1..=3 {
            fingers.down(id, (100.0 * f64::from(id), 0.0), projection());
        }
        assert_eq!(fingers.moved(3, (0.0, 0.0)), None);
        assert!(!fingers.up(3) && fingers.moved(1, (90.0, 0.0)).is_some() && fingers.up(2));
    }
}
