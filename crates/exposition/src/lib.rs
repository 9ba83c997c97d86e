//! Prometheus text and OpenMetrics into samples and families, and families into text.
