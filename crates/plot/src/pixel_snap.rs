//! Where straight edges lie so that the screen shows them sharp: between two of its pixels.

/// Units of a scene for one pixel of the screen, where its canvas divides them again: backends place corners on whole
/// numbers only, with which lines would look stepped.
pub const PARTS: f64 = 2.0;

/// The nearest such place, of pixels that are `screen_pixel` units wide.
pub(crate) fn edge(place: f64, screen_pixel: f64) -> i32 {
    ((place / screen_pixel).round() * screen_pixel).round() as i32
}

/// The nearest place for the middle of a line of that width, so that it begins at an edge.
pub(crate) fn middle(place: f64, width: u32, screen_pixel: f64) -> i32 {
    let half = f64::from(width) / 2.0;
    (f64::from(edge(place - half, screen_pixel)) + half).round() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_lie_between_pixels_and_near_their_place() {
        for place in [-3.0, 0.0, 0.9, 1.0, 6.7, 100.4] {
            let found = edge(place, 2.0);
            assert!(found % 2 == 0 && (f64::from(found) - place).abs() <= 1.0, "{place}: {found}");
        }
        assert_eq!((edge(5.4, 1.0), edge(7.4, 3.0)), (5, 6));
    }

    #[test]
    fn lines_of_whole_pixels_cover_whole_pixels() {
        for (place, width) in [(10.0, 2), (11.0, 2), (10.6, 4), (13.0, 4), (9.0, 6)] {
            let found = middle(place, width, 2.0);
            assert_eq!((found - width as i32 / 2) % 2, 0, "{place}: {found}");
            assert!((f64::from(found) - place).abs() <= 1.0, "{place}: {found}");
        }
    }
}
