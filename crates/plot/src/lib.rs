//! Paints a graph from columns of numbers: frame, decimation, scene, and any backend of plotters.
//!
//! A [`Frame`] holds the data, a [`Projection`] maps times and values to positions, [`scene`] lays out shapes, and
//! [`paint`] draws them on a backend of plotters. This crate does not depend on a browser.
#![warn(clippy::disallowed_methods)]
mod axes;
mod dashes;
mod decimate;
mod drawing;
mod frame;
mod hatching;
mod layout;
mod log_axis;
mod markers;
mod paint;
mod pixel_snap;
mod projection;
mod rgb;
mod scene;
mod shapes;
mod stack;
mod ticks;

pub use decimate::{PixelColumns, Polyline};
pub use drawing::{Band, ChartType, Drawing, HatchedBand, LineStyle, Note, Theme};
pub use frame::{Column, Frame};
pub use log_axis::{count_nonpositive, log_domain, log_ticks};
pub use paint::paint;
pub use pixel_snap::UNITS_PER_PIXEL;
pub use projection::{Margins, Projection};
pub use rgb::Rgb;
pub use scene::scene;
pub use shapes::{Anchor, Dot, Font, Polygon, Rect, Scene, Stroke, TextLabel};
pub use ticks::{Rounding, TimeTick, fitted_domain, time_ticks, value_domain, value_ticks};
