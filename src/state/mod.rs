//! What is on screen: plain values with their codecs, and the signals that hold them.
pub mod card_options;
pub mod cursor;
pub mod embed;
pub mod layout;
pub mod line_filter;
pub mod model_table;
pub mod navigation;
pub mod options_by_graph;
pub mod range_parser;
pub mod replica_figure;
pub mod replica_table;
pub mod theme;
pub mod threshold;
pub mod time_range;
pub mod time_zone;
pub mod url;
pub mod view;
