//! Colours, as plotters and style sheets have them in common.

/// A colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rgb(pub u8, pub u8, pub u8);

impl Rgb {
    /// So much of the way from this colour to another, 0 to 1.
    pub fn mixed(self, other: Self, share: f64) -> Self {
        let mixed = |own: u8, other: u8| (f64::from(own) + (f64::from(other) - f64::from(own)) * share).round() as u8;
        Self(mixed(self.0, other.0), mixed(self.1, other.1), mixed(self.2, other.2))
    }
}
