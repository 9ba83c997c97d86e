//! How to paint: frame, decimation, scene, plotters.
