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
mod range;
mod refresh;
mod scope;
mod shortcuts;
mod time;
mod tooltip;
mod topbar;
mod when;

pub use app::App;
