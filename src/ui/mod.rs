//! Components, one file each; what they look like is in `style/`.
#![expect(unreachable_pub, reason = "the component macro makes its functions public")]
mod app;
mod banner;
mod boxes;
mod canvas;
mod card;
mod cards;
mod colours;
mod controls;
mod customize;
mod legend;
mod overlay;
mod pointer;
mod time;
mod tooltip;
mod topbar;

pub use app::App;
