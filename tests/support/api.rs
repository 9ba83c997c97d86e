//! A client of the Prometheus API, for the companion and its peers.
use crate::{FixtureError, Result};
use prometheus_api::{ApiResponse, Data, InstantValue, RangeValues, Series, format_time};
use reqwest::Url;

/// The API of one server.
#[derive(Clone, Debug)]
pub struct Api {
    base: String,
    client: reqwest::Client,
}

impl Api {
    /// Creates a client for the server at `base`, such as `http://127.0.0.1:9090`.
    pub fn new(base: impl Into<String>) -> Self {
        Self { base: base.into(), client: reqwest::Client::new() }
    }

    /// Requests any path of the server.
    ///
    /// # Errors
    /// When the request fails.
    pub async fn get(&self, path: &str) -> Result<reqwest::Response> {
        Ok(self.client.get(format!("{}{path}", self.base)).send().await?)
    }

    /// Evaluates a query at a time in Unix milliseconds, by default now, and returns the series of its vector.
    ///
    /// # Errors
    /// When the query is refused or its result is not a vector.
    pub async fn vector(&self, query: &str, at_ms: Option<i64>) -> Result<Vec<Series<InstantValue>>> {
        match self.instant(query, at_ms).await? {
            Data::Vector(series) => Ok(series),
            _ => Err(FixtureError::ResultType { query: query.to_owned(), wanted: "a vector" }),
        }
    }

    /// Evaluates a query at a time in Unix milliseconds, by default now, and returns the value of its only series.
    ///
    /// # Errors
    /// When the query is refused or does not return exactly one series.
    pub async fn value(&self, query: &str, at_ms: Option<i64>) -> Result<f64> {
        match self.vector(query, at_ms).await?.as_slice() {
            [only] => Ok(only.samples.value.1.0),
            series => Err(FixtureError::OneSeries { query: query.to_owned(), count: series.len() }),
        }
    }

    /// Returns the stored samples of a range selector such as `up[5m]` at a time in Unix milliseconds, by default now.
    ///
    /// # Errors
    /// When the query is refused or its result is not a matrix.
    pub async fn samples(&self, selector: &str, at_ms: Option<i64>) -> Result<Vec<Series<RangeValues>>> {
        Self::matrix(selector, self.instant(selector, at_ms).await?)
    }

    /// Evaluates a range query. The times are in Unix milliseconds; the end is included.
    ///
    /// # Errors
    /// When the query is refused.
    pub async fn range(
        &self,
        query: &str,
        start_ms: i64,
        end_ms: i64,
        step_ms: i64,
    ) -> Result<Vec<Series<RangeValues>>> {
        let parameters = [
            ("query", query.to_owned()),
            ("start", format_time(start_ms)),
            ("end", format_time(end_ms)),
            ("step", format_time(step_ms)),
        ];
        Self::matrix(query, self.request(query, "query_range", &parameters).await?)
    }

    /// Evaluates a query at a time in Unix milliseconds, by default now.
    ///
    /// # Errors
    /// When the query is refused.
    pub async fn instant(&self, query: &str, at_ms: Option<i64>) -> Result<Data> {
        let mut parameters = vec![("query", query.to_owned())];
        parameters.extend(at_ms.map(|at_ms| ("time", format_time(at_ms))));
        self.request(query, "query", &parameters).await
    }

    fn matrix(query: &str, data: Data) -> Result<Vec<Series<RangeValues>>> {
        match data {
            Data::Matrix(series) => Ok(series),
            _ => Err(FixtureError::ResultType { query: query.to_owned(), wanted: "a matrix" }),
        }
    }

    async fn request(&self, query: &str, endpoint: &str, parameters: &[(&str, String)]) -> Result<Data> {
        let address = format!("{}/api/v1/{endpoint}", self.base);
        let url = Url::parse_with_params(&address, parameters)
            .map_err(|error| FixtureError::Page(format!("{address} is not a valid URL: {error}")))?;
        let body = self.client.get(url).send().await?.text().await?;
        let response: ApiResponse<Data> = serde_json::from_str(&body).map_err(|source| FixtureError::Answer {
            url: address,
            source,
            body: body.chars().take(300).collect(),
        })?;
        response.into_result().map_err(|source| FixtureError::Query { query: query.to_owned(), source })
    }
}
