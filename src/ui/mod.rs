//! Components, one file each; what they look like is in `style/`.
#![expect(unreachable_pub, reason = "the component macro makes its functions public")]
mod absent;
mod actions;
mod app;
mod axis;
mod banner;
mod bounds;
mod boxes;
mod canvas;
mod card;
mod cards;
mod colours;
mod controls;
mod customize;
mod dialog;
mod enlarged;
mod export;
mod fingers;
mod help;
mod legend;
mod menu;
mod overlay;
mod pointer;
mod range;
mod refresh;
mod save;
mod scope;
mod shortcuts;
mod shown;
mod statistics;
mod table;
mod time;
mod timeline;
mod tooltip;
mod topbar;
mod when;

pub use app::App;
