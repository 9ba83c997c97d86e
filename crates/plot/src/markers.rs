//! Markers: triangles at values that are beyond the axis.
use crate::projection::Projection;
use crate::rgb::Rgb;
use crate::shapes::Polygon;

/// A triangle on a line.
struct Marker {
    time_ms: i64,
    value: f64,
    /// Whether it points up; otherwise down.
    is_up: bool,
    rgb: Rgb,
}

/// Half the width of a triangle in CSS pixels.
const HALF_WIDTH_PX: f64 = 4.0;

/// The height of a triangle in CSS pixels.
const HEIGHT_PX: f64 = 6.0;

/// The shape of a marker in units. Its base lies on the point.
fn triangle(marker: &Marker, p: &Projection, scale: f64) -> Polygon {
    let (half, height) = (HALF_WIDTH_PX * scale, HEIGHT_PX * scale);
    let (x, y) = (p.x(marker.time_ms), p.y(marker.value).clamp(p.top, p.bottom));
    // A tip that would leave the plot area moves the whole triangle inside.
    let (base, tip) = match marker.is_up {
        true if y - height < p.top => (p.top + height, p.top),
        true => (y, y - height),
        false if y + height > p.bottom => (p.bottom - height, p.bottom),
        false => (y, y + height),
    };
    let corner = |x: f64, y: f64| (x.round() as i32, y.round() as i32);
    Polygon { points: vec![corner(x - half, base), corner(x + half, base), corner(x, tip)], rgb: marker.rgb }
}

/// Triangles at the upper or lower edge for infinite values; those that would overlap the one before are omitted.
pub(crate) fn infinities(values: &[f64], times_ms: &[i64], p: &Projection, scale: f64, rgb: Rgb) -> Vec<Polygon> {
    let mut triangles = Vec::new();
    let mut free_from = f64::NEG_INFINITY;
    for (value, time_ms) in values.iter().zip(times_ms).filter(|(value, _)| value.is_infinite()) {
        let x = p.x(*time_ms);
        if x >= free_from {
            let is_up = *value > 0.0;
            let value = if is_up { p.high } else { p.low };
            triangles.push(triangle(&Marker { time_ms: *time_ms, value, is_up, rgb }, p, scale));
            free_from = x + 2.0 * HALF_WIDTH_PX * scale;
        }
    }
    triangles
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Margins;

    const RED: Rgb = Rgb(200, 0, 0);

    fn projection() -> Projection {
        let margins = Margins { left: 0.0, top: 0.0, right: 0.0, bottom: 0.0 };
        Projection::new(100.0, 100.0, margins, (0, 1000), (0.0, 10.0))
    }

    #[test]
    fn triangles_stand_on_their_point_and_stay_inside() {
        let triangle_at =
            |value, is_up| triangle(&Marker { time_ms: 500, value, is_up, rgb: RED }, &projection(), 1.0).points;
        assert_eq!(triangle_at(5.0, true), [(46, 50), (54, 50), (50, 44)]);
        assert_eq!(triangle_at(5.0, false), [(46, 50), (54, 50), (50, 56)]);
        assert_eq!(triangle_at(10.0, true), [(46, 6), (54, 6), (50, 0)]);
        assert_eq!(triangle_at(0.0, false), [(46, 94), (54, 94), (50, 100)]);
    }

    #[test]
    fn infinities_lie_at_the_edges_without_overlap() {
        let values = [f64::INFINITY, f64::INFINITY, 1.0, f64::NAN, f64::NEG_INFINITY];
        let triangles = infinities(&values, &[0, 10, 20, 30, 500], &projection(), 1.0, RED);
        let tips: Vec<_> = triangles.iter().map(|triangle| triangle.points[2]).collect();
        assert_eq!(tips, [(0, 0), (50, 100)]);
    }
}
