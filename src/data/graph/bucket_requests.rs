//! Queries the buckets behind a card's percentiles: their ends, and their counts for a heat map.
use crate::data::graph::buckets::{BucketEnds, bucket_ends, bucket_frame};
use crate::data::graph::request::CardRequest;
use crate::data::http::error::RequestError;
use crate::state::card_options::{CardOptions, Form};
use catalogue::{BucketsQuery, BucketsUse, Colours, Graph, Window, buckets_query};
use plot::Frame;
use prometheus_api::{Data, RangeValues, Series};

/// At how many times of the range the ends of buckets are looked up.
const BUCKET_LOOKUPS: i64 = 8;

impl CardRequest<'_> {
    /// The query for the buckets behind percentiles.
    pub(crate) fn buckets_query(&self, window: Window, purpose: BucketsUse) -> Option<BucketsQuery> {
        let present = |name: &str| self.names.contains(name);
        let has_percentiles = self.graph.colours == Colours::Percentiles;
        let context = self.round.context(window);
        has_percentiles.then(|| buckets_query(self.graph, &present, &context, purpose)).flatten()
    }

    /// The buckets of a heat map.
    pub(crate) async fn buckets(&self, ends: &[BucketEnds]) -> Result<Option<Frame>, RequestError> {
        let query = self.buckets_query(self.grid.window, BucketsUse::HeatMap);
        let (Some(BucketsQuery { query, sources }), Form::HeatMap) = (query, self.options.form) else {
            return Ok(None);
        };
        let unit = self.graph.unit;
        let read = |matrix: &[Series<RangeValues>], grid, start_ms| {
            bucket_frame(matrix, (&sources, ends), unit, grid, start_ms)
        };
        // Other ends make other rows.
        let old = self.old.filter(|old| old.bucket_ends == ends).and_then(|old| old.buckets.as_ref());
        self.continued(&query, old, 0, &read).await.map(Some)
    }

    /// The ends of the buckets.
    pub(crate) async fn bucket_ends(&self) -> Result<Vec<BucketEnds>, RequestError> {
        let query = self.buckets_query(self.grid.window, BucketsUse::Ends);
        let Some(BucketsQuery { query, sources }) = query else { return Ok(Vec::new()) };
        let (range, _permit) = (self.round.range, self.limit.permit().await);
        let step_ms = (range.length_ms() / BUCKET_LOOKUPS).max(1);
        let answer = self.round.backend.range_with_notes(query, range.start_ms, range.end_ms, step_ms, None).await?;
        let Data::Matrix(matrix) = self.noted(answer, None) else { return Ok(Vec::new()) };
        Ok(bucket_ends(&matrix, &sources))
    }
}

/// Whether the card is a heat map with a row for each replica or GPU: that of a graph without percentiles.
pub(crate) fn is_row_map(graph: &Graph, options: &CardOptions) -> bool {
    options.form == Form::HeatMap && graph.colours != Colours::Percentiles
}
