//! A client of the Prometheus API, for the companion and its peers alike.
use crate::{FixtureError, Result};
use prometheus_api::{ApiResponse, Data, InstantValue, RangeValues, Series, format_time};
use reqwest::Url;

/// One server's API.
#[derive(Clone, Debug)]
pub struct Api {
    base: String,
    client: reqwest::Client,
}

impl Api {
    /// Of the server at `base`, such as `http://127.0.0.1:9090`.
    pub fn new(base: impl Into<String>) -> Self {
        Self { base: base.into(), client: reqwest::Client::new() }
    }

    /// The answer to any path of the server: its status, headers and body.
    ///
    /// # Errors
    /// When the exchange fails.
    pub async fn get(&self, path: &str) -> Result<reqwest::Response> {
        Ok(self.client.get(format!("{}{path}", self.base)).send().await?)
    }

    /// The series of a query at a time in Unix milliseconds, now where there is none.
    ///
    /// # Errors
    /// When the query is refused or gives no vector.
    pub async fn vector(&self, query: &str, at_ms: Option<i64>) -> Result<Vec<Series<InstantValue>>> {
        match self.instant(query, at_ms).await? {
            Data::Vector(series) => Ok(series),
            _ => Err(FixtureError::ResultType { query: query.to_owned(), wanted: "a vector" }),
        }
    }

    /// The value of a query's one series at a time in Unix milliseconds, now where there is none.
    ///
    /// # Errors
    /// When the query is refused or gives another number of series.
    pub async fn value(&self, query: &str, at_ms: Option<i64>) -> Result<f64> {
        match self.vector(query, at_ms).await?.as_slice() {
            [one] => Ok(one.samples.value.1.0),
            series => Err(FixtureError::OneSeries { query: query.to_owned(), count: series.len() }),
        }
    }

    /// The stored samples of a range selector such as `up[5m]`, looking back from a time in Unix milliseconds.
    ///
    /// # Errors
    /// When the query is refused or gives no matrix.
    pub async fn samples(&self, selector: &str, at_ms: Option<i64>) -> Result<Vec<Series<RangeValues>>> {
        Self::matrix(selector, self.instant(selector, at_ms).await?)
    }

    /// The series of a query over a range, both ends included, in Unix milliseconds.
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
        Self::matrix(query, self.ask(query, "query_range", &parameters).await?)
    }

    /// Whatever a query gives at a time in Unix milliseconds, now where there is none.
    ///
    /// # Errors
    /// When the query is refused.
    pub async fn instant(&self, query: &str, at_ms: Option<i64>) -> Result<Data> {
        let mut parameters = vec![("query", query.to_owned())];
        parameters.extend(at_ms.map(|at_ms| ("time", format_time(at_ms))));
        self.ask(query, "query", &parameters).await
    }

    fn matrix(query: &str, data: Data) -> Result<Vec<Series<RangeValues>>> {
        match data {
            Data::Matrix(series) => Ok(series),
            _ => Err(FixtureError::ResultType { query: query.to_owned(), wanted: "a matrix" }),
        }
    }

    async fn ask(&self, query: &str, verb: &str, parameters: &[(&str, String)]) -> Result<Data> {
        let address = format!("{}/api/v1/{verb}", self.base);
        let url = Url::parse_with_params(&address, parameters)
            .map_err(|error| FixtureError::Page(format!("{address} is no address: {error}")))?;
        let body = self.client.get(url).send().await?.text().await?;
        let answer: ApiResponse<Data> = serde_json::from_str(&body).map_err(|source| FixtureError::Answer {
            url: address,
            source,
            body: body.chars().take(300).collect(),
        })?;
        answer.into_result().map_err(|source| FixtureError::Query { query: query.to_owned(), source })
    }
}
