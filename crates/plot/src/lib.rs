//! From columns of numbers to a painted graph: frame, decimation, scene; generic over plotters' backend.
//!
//! A [`Frame`] holds the data, a [`Projection`] says where times and values lie, [`scene`] turns both into shapes, and
//! [`paint`] puts them on any of plotters' backends. Nothing here knows a browser.
mod axes;
mod dashes;
mod decimate;
mod frame;
mod log_axis;
mod markers;
mod paint;
mod projection;
mod rgb;
mod scene;
mod pixel_snap;
mod stack;
mod ticks;

pub use decimate::{PixelColumns, Polyline};
pub use frame::{Column, Frame};
pub use log_axis::{left_out, log_domain, log_ticks};
pub use markers::Mark;
pub use paint::paint;
pub use projection::{Margins, Projection};
pub use rgb::Rgb;
pub use scene::{Anchor, Area, Bar, Drawing, Labelled, LineStyle, Look, Scene, Stroke, Theme, scene};
pub use pixel_snap::PARTS;
pub use ticks::{Rounding, TimeTick, time_ticks, value_domain, value_ticks};
