//! Snaps straight edges to the boundaries between device pixels, where they are drawn sharply.

/// Units of a scene for each device pixel. Backends of plotters take whole numbers only, so a canvas scales a finer scene
/// down; otherwise lines look stepped.
pub const UNITS_PER_PIXEL: f64 = 2.0;

/// The boundary nearest to `position`; pixels are `device_pixel` units wide.
pub(crate) fn snap(position: f64, device_pixel: f64) -> i32 {
    ((position / device_pixel).round() * device_pixel).round() as i32
}

/// The position nearest to `position` for the centre line of a stroke of that width, so that its edge is on a boundary.
pub(crate) fn snap_centre(position: f64, width: u32, device_pixel: f64) -> i32 {
    let half = f64::from(width) / 2.0;
    (f64::from(snap(position - half, device_pixel)) + half).round() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_lie_between_pixels_and_near_their_position() {
        for position in [-3.0, 0.0, 0.9, 1.0, 6.7, 100.4] {
            let snapped = snap(position, 2.0);
            assert!(snapped % 2 == 0 && (f64::from(snapped) - position).abs() <= 1.0, "{position}: {snapped}");
        }
        assert_eq!((snap(5.4, 1.0), snap(7.4, 3.0)), (5, 6));
    }

    #[test]
    fn lines_of_whole_pixels_cover_whole_pixels() {
        for (position, width) in [(10.0, 2), (11.0, 2), (10.6, 4), (13.0, 4), (9.0, 6)] {
            let snapped = snap_centre(position, width, 2.0);
            assert_eq!((snapped - width as i32 / 2) % 2, 0, "{position}: {snapped}");
            assert!((f64::from(snapped) - position).abs() <= 1.0, "{position}: {snapped}");
        }
    }
}
