//! Touch input on a graph: one finger points and selects as a mouse does, two pinch the range.
use crate::state::time_range::TimeRange;
use crate::state::view::PinchPoint;
use plot::Projection;

/// The fingers on the graph; a third one is ignored.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Touch {
    fingers: Vec<Finger>,
    /// The start of the pinch; none while there are less than two fingers.
    start: Option<PinchStart>,
}

#[derive(Clone, Debug, PartialEq)]
struct Finger {
    /// The browser's id of the pointer.
    id: i32,
    /// In CSS pixels.
    position: (f64, f64),
}

/// The graph and the fingers when the pinch began.
#[derive(Clone, Copy, Debug, PartialEq)]
struct PinchStart {
    projection: Projection,
    before: PinchPoint,
}

/// The state of a pinch, for [`crate::state::view::Range::pinched`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PinchUpdate {
    /// The range when the pinch began.
    pub(crate) range: TimeRange,
    /// Middle and distance of the fingers when the pinch began.
    pub(crate) before: PinchPoint,
    /// Middle and distance of the fingers now.
    pub(crate) after: PinchPoint,
}

impl Touch {
    /// Adds a finger, and returns whether there are two now.
    pub(crate) fn down(&mut self, id: i32, position: (f64, f64), projection: Projection) -> bool {
        if self.fingers.len() < 2 {
            self.fingers.push(Finger { id, position });
        }
        if self.start.is_none() {
            self.start = self.pinch_point(&projection).map(|before| PinchStart { projection, before });
        }
        self.start.is_some()
    }

    /// Moves a finger, and returns the state of the pinch if there is one.
    pub(crate) fn moved(&mut self, id: i32, position: (f64, f64)) -> Option<PinchUpdate> {
        self.fingers.iter_mut().find(|finger| finger.id == id)?.position = position;
        let PinchStart { projection, before } = self.start?;
        let after = self.pinch_point(&projection)?;
        Some(PinchUpdate { range: TimeRange::new(projection.start_ms, projection.end_ms), before, after })
    }

    /// Removes a finger, and returns whether that ends a pinch.
    pub(crate) fn up(&mut self, id: i32) -> bool {
        let was_down = self.fingers.iter().any(|finger| finger.id == id);
        self.fingers.retain(|finger| finger.id != id);
        was_down && self.start.take().is_some()
    }

    /// The middle of two fingers as a share of the graph's width, and their distance in CSS pixels.
    fn pinch_point(&self, projection: &Projection) -> Option<PinchPoint> {
        let [Finger { position: one, .. }, Finger { position: other, .. }] = self.fingers.as_slice() else {
            return None;
        };
        let width = projection.right - projection.left;
        let middle = (f64::midpoint(one.0, other.0) - projection.left) / width;
        Some(PinchPoint { middle, distance_px: (one.0 - other.0).hypot(one.1 - other.1) })
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
    fn two_fingers_pinch_until_one_is_lifted() {
        let mut touch = Touch::default();
        assert!(!touch.down(7, (100.0, 10.0), projection()));
        assert_eq!(touch.moved(7, (130.0, 10.0)), None, "one finger selects");
        assert!(touch.down(9, (170.0, 40.0), projection()));
        let pinch = touch.moved(9, (200.0, 10.0)).expect("a pinch");
        let point = |middle, distance_px| PinchPoint { middle, distance_px };
        assert_eq!(pinch.range, TimeRange::new(1000, 5000));
        assert_eq!((pinch.before, pinch.after), (point(0.5, 50.0), point(0.575, 70.0)));
        assert!(touch.up(7));
        assert_eq!(touch.moved(9, (100.0, 10.0)), None, "the other finger does nothing until it is lifted too");
        assert!(!touch.up(9));
        assert_eq!(touch, Touch::default());
    }

    #[test]
    fn a_third_finger_changes_nothing() {
        let mut touch = Touch::default();
        for id in 1..=3 {
            touch.down(id, (100.0 * f64::from(id), 0.0), projection());
        }
        assert_eq!(touch.moved(3, (0.0, 0.0)), None);
        assert!(!touch.up(3) && touch.moved(1, (90.0, 0.0)).is_some() && touch.up(2));
    }
}
