//! Responses: the envelope and the four result types.
use crate::{ApiError, ErrorType, Number};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The envelope of every response. For queries `D` is [`Data`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case", try_from = "Envelope<D>")]
pub enum ApiResponse<D> {
    /// The request succeeded.
    Success {
        /// The result.
        data: D,
        /// Reasons why the result may be incomplete or wrong.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        warnings: Vec<String>,
        /// Hints about possible mistakes in the query.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        infos: Vec<String>,
    },
    /// The request failed.
    Error {
        /// The kind of error.
        #[serde(rename = "errorType")]
        error_type: ErrorType,
        /// The message.
        error: String,
    },
}

/// The envelope as it is deserialized. It is flat, as a tagged enum would buffer the whole response before its status
/// is known.
#[derive(Deserialize)]
struct Envelope<D> {
    status: Status,
    #[serde(default = "none")]
    data: Option<D>,
    #[serde(default)]
    warnings: Vec<String>,
    #[serde(default)]
    infos: Vec<String>,
    /// VictoriaMetrics: some of its storage nodes did not answer.
    #[serde(rename = "isPartial", default)]
    is_partial: bool,
    #[serde(rename = "errorType")]
    error_type: Option<ErrorType>,
    error: Option<String>,
}

/// The warning that stands for `"isPartial": true`.
const PARTIAL: &str = "the answer is partial: some of the server's storage did not answer";

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

    fn try_from(envelope: Envelope<D>) -> Result<Self, &'static str> {
        match (envelope.status, envelope.data, envelope.error_type, envelope.error) {
            (Status::Success, Some(data), _, _) => {
                let mut warnings = envelope.warnings;
                warnings.extend(envelope.is_partial.then(|| PARTIAL.to_owned()));
                Ok(Self::Success { data, warnings, infos: envelope.infos })
            }
            (Status::Success, None, _, _) => Err("missing field `data`"),
            (Status::Error, _, Some(error_type), Some(error)) => Ok(Self::Error { error_type, error }),
            (Status::Error, _, _, _) => Err("missing field `errorType` or `error`"),
        }
    }
}

impl<D> ApiResponse<D> {
    /// The data of a success, or the error with its kind.
    ///
    /// # Errors
    /// If the response is an error.
    pub fn into_result(self) -> Result<D, ApiError> {
        self.into_noted_result().map(|(data, _)| data)
    }

    /// The data of a success with its warnings and hints, or the error with its kind.
    ///
    /// # Errors
    /// If the response is an error.
    pub fn into_noted_result(self) -> Result<(D, Vec<String>), ApiError> {
        match self {
            Self::Success { data, mut warnings, infos } => {
                warnings.extend(infos);
                Ok((data, warnings))
            }
            Self::Error { error_type, error } => Err(ApiError::new(error_type, error)),
        }
    }
}

impl<D> From<ApiError> for ApiResponse<D> {
    fn from(error: ApiError) -> Self {
        Self::Error { error_type: error.kind, error: error.message }
    }
}

/// One sample, a pair in JSON: Unix time in seconds, and the value.
pub type Sample = (f64, Number);

/// One series of a vector or matrix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "FlatSeries", bound(deserialize = "S: FromFlatSeries"))]
pub struct Series<S> {
    /// The labels, with `__name__` if the query keeps it.
    pub metric: BTreeMap<String, String>,
    /// One sample in a vector, several in a matrix.
    #[serde(flatten)]
    pub samples: S,
}

/// A series of either kind as it is deserialized.
#[derive(Deserialize)]
struct FlatSeries {
    metric: BTreeMap<String, String>,
    value: Option<Sample>,
    values: Option<Vec<Sample>>,
}

/// Takes `value` or `values` out of a deserialized series.
trait FromFlatSeries: Sized {
    fn take_from(series: &mut FlatSeries) -> Result<Self, &'static str>;
}

impl FromFlatSeries for InstantValue {
    fn take_from(series: &mut FlatSeries) -> Result<Self, &'static str> {
        series.value.map(|value| Self { value }).ok_or("missing field `value`")
    }
}

impl FromFlatSeries for RangeValues {
    fn take_from(series: &mut FlatSeries) -> Result<Self, &'static str> {
        series.values.take().map(|values| Self { values }).ok_or("missing field `values`")
    }
}

impl<S: FromFlatSeries> TryFrom<FlatSeries> for Series<S> {
    type Error = &'static str;

    fn try_from(mut series: FlatSeries) -> Result<Self, Self::Error> {
        let samples = S::take_from(&mut series)?;
        Ok(Self { metric: series.metric, samples })
    }
}

/// The sample of a series in a vector.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct InstantValue {
    /// The sample.
    pub value: Sample,
}

/// The samples of a series in a matrix.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RangeValues {
    /// The samples in ascending order of time.
    pub values: Vec<Sample>,
}

/// The result of a query.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "snake_case")]
pub enum Data {
    /// Series at one time.
    Vector(Vec<Series<InstantValue>>),
    /// Series over a time range.
    Matrix(Vec<Series<RangeValues>>),
    /// One number.
    Scalar(Sample),
    /// One string.
    String((f64, String)),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(text: &str) -> ApiResponse<Data> {
        let response: ApiResponse<Data> = serde_json::from_str(text).expect("a response");
        assert_eq!(serde_json::to_string(&response).expect("json"), text);
        response
    }

    #[test]
    fn responses_round_trip_in_prometheus_form() {
        let response = round_trip(
            r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"b"},"values":[[1.5,"2"],[2.5,"+Inf"]]}]}}"#,
        );
        let Ok(Data::Matrix(series)) = response.into_result() else { panic!("a matrix") };
        assert_eq!(series[0].samples.values[1], (2.5, Number(f64::INFINITY)));
        round_trip(
            r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1.0,"2"]}]},"warnings":["w"]}"#,
        );
        round_trip(r#"{"status":"success","data":{"resultType":"scalar","result":[1.0,"2"]}}"#);
        let error = round_trip(r#"{"status":"error","errorType":"bad_data","error":"no"}"#).into_result();
        assert_eq!(error, Err(ApiError::new(ErrorType::BadData, "no")));
    }

    #[test]
    fn warnings_hints_and_partial_answers_are_noted() {
        let data = r#""data":{"resultType":"vector","result":[]}"#;
        let notes = |more: &str| {
            let text = format!(r#"{{"status":"success",{more}{data}}}"#);
            let response: ApiResponse<Data> = serde_json::from_str(&text).expect("a response");
            response.into_noted_result().expect("a success").1
        };
        assert_eq!(notes(""), Vec::<String>::new());
        assert_eq!(notes(r#""warnings":["w"],"infos":["i"],"isPartial":false,"#), ["w", "i"]);
        assert_eq!(notes(r#""isPartial":true,"warnings":["w"],"#), ["w", PARTIAL]);
    }

    #[test]
    fn an_unknown_error_type_is_accepted() {
        let response: ApiResponse<Data> =
            serde_json::from_str(r#"{"status":"error","errorType":"too_odd","error":"no"}"#).expect("a response");
        assert_eq!(response.into_result().map_err(|error| error.kind), Err(ErrorType::Other));
    }
}
