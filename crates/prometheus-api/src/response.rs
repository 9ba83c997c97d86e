//! Answers: the envelope and the four result types.
use crate::{ApiError, ErrorType, Number};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The envelope around every answer. `D` is [`Data`] for queries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case", try_from = "Envelope<D>")]
pub enum ApiResponse<D> {
    /// The query was answered.
    Success {
        /// The result.
        data: D,
        /// What may make the result less than it seems.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        warnings: Vec<String>,
        /// What the asker may want to know.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        infos: Vec<String>,
    },
    /// It was not.
    Error {
        /// The kind of error.
        #[serde(rename = "errorType")]
        error_type: ErrorType,
        /// A sentence.
        error: String,
    },
}

/// The envelope as it is read: flat, so that no answer is held twice while its kind is not known yet.
#[derive(Deserialize)]
struct Envelope<D> {
    status: Status,
    #[serde(default = "none")]
    data: Option<D>,
    #[serde(default)]
    warnings: Vec<String>,
    #[serde(default)]
    infos: Vec<String>,
    #[serde(rename = "errorType")]
    error_type: Option<ErrorType>,
    error: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Success,
    Error,
}

fn none<D>() -> Option<D> {
    None
}

impl<D> TryFrom<Envelope<D>> for ApiResponse<D> {
    type Error = &'static str;

    fn try_from(read: Envelope<D>) -> Result<Self, &'static str> {
        match (read.status, read.data, read.error_type, read.error) {
            (Status::Success, Some(data), _, _) => {
                Ok(Self::Success { data, warnings: read.warnings, infos: read.infos })
            }
            (Status::Success, None, _, _) => Err("missing field `data`"),
            (Status::Error, _, Some(error_type), Some(error)) => Ok(Self::Error { error_type, error }),
            (Status::Error, _, _, _) => Err("missing field `errorType` or `error`"),
        }
    }
}

impl<D> ApiResponse<D> {
    /// The data, or the error with its kind.
    ///
    /// # Errors
    /// When the answer reports one.
    pub fn into_result(self) -> Result<D, ApiError> {
        match self {
            Self::Success { data, .. } => Ok(data),
            Self::Error { error_type, error } => Err(ApiError::new(error_type, error)),
        }
    }
}

impl<D> From<ApiError> for ApiResponse<D> {
    fn from(error: ApiError) -> Self {
        Self::Error { error_type: error.kind, error: error.message }
    }
}

/// One point: Unix time in seconds, and the value.
pub type Sample = (f64, Number);

/// One series of a result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Flat", bound(deserialize = "V: Points"))]
pub struct Series<V> {
    /// Its labels, `__name__` included where the query keeps it.
    pub metric: BTreeMap<String, String>,
    /// Its points.
    #[serde(flatten)]
    pub samples: V,
}

/// A series as it is read, of either kind.
#[derive(Deserialize)]
struct Flat {
    metric: BTreeMap<String, String>,
    value: Option<Sample>,
    values: Option<Vec<Sample>>,
}

/// What a series has under `value` or `values`.
trait Points: Sized {
    fn of(flat: &mut Flat) -> Result<Self, &'static str>;
}

impl Points for InstantValue {
    fn of(flat: &mut Flat) -> Result<Self, &'static str> {
        flat.value.map(|value| Self { value }).ok_or("missing field `value`")
    }
}

impl Points for RangeValues {
    fn of(flat: &mut Flat) -> Result<Self, &'static str> {
        flat.values.take().map(|values| Self { values }).ok_or("missing field `values`")
    }
}

impl<V: Points> TryFrom<Flat> for Series<V> {
    type Error = &'static str;

    fn try_from(mut flat: Flat) -> Result<Self, Self::Error> {
        let samples = V::of(&mut flat)?;
        Ok(Self { metric: flat.metric, samples })
    }
}

/// The points of a vector's element.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct InstantValue {
    /// The point.
    pub value: Sample,
}

/// The points of a matrix's element.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RangeValues {
    /// The points, in order of time.
    pub values: Vec<Sample>,
}

/// What a query gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "snake_case")]
pub enum Data {
    /// Series at one time.
    Vector(Vec<Series<InstantValue>>),
    /// Series over a range.
    Matrix(Vec<Series<RangeValues>>),
    /// One number.
    Scalar(Sample),
    /// One text.
    String((f64, String)),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(text: &str) -> ApiResponse<Data> {
        let answer: ApiResponse<Data> = serde_json::from_str(text).expect("an answer");
        assert_eq!(serde_json::to_string(&answer).expect("json"), text);
        answer
    }

    #[test]
    fn envelopes_read_and_write_as_prometheus_gives_them() {
        let answer = round_trip(
            r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"b"},"values":[[1.5,"2"],[2.5,"+Inf"]]}]}}"#,
        );
        let Ok(Data::Matrix(series)) = answer.into_result() else { panic!("a matrix") };
        assert_eq!(series[0].samples.values[1], (2.5, Number(f64::INFINITY)));
        round_trip(
            r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1.0,"2"]}]},"warnings":["w"]}"#,
        );
        round_trip(r#"{"status":"success","data":{"resultType":"scalar","result":[1.0,"2"]}}"#);
        let error = round_trip(r#"{"status":"error","errorType":"bad_data","error":"no"}"#).into_result();
        assert_eq!(error, Err(ApiError::new(ErrorType::BadData, "no")));
    }

    #[test]
    fn an_unknown_error_type_is_still_an_error() {
        let answer: ApiResponse<Data> =
            serde_json::from_str(r#"{"status":"error","errorType":"too_odd","error":"no"}"#).expect("an answer");
        assert_eq!(answer.into_result().map_err(|error| error.kind), Err(ErrorType::Other));
    }
}
