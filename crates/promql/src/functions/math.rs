//! Functions of one number, `round` and the three `clamp`s.
use crate::Error;
use crate::ast::{Call, Function};
use crate::eval::{Evaluator, Sink, Steps};
use crate::stale_marker;
use std::f64::consts::PI;

pub(super) fn by_name(name: &str) -> Option<fn(f64) -> f64> {
    Some(match name {
        "abs" => f64::abs,
        "ceil" => f64::ceil,
        "floor" => f64::floor,
        "exp" => f64::exp,
        "sqrt" => f64::sqrt,
        "ln" => f64::ln,
        "log2" => f64::log2,
        "log10" => f64::log10,
        "sgn" => |value| if value == 0.0 || value.is_nan() { value } else { value.signum() },
        "sin" => f64::sin,
        "cos" => f64::cos,
        "tan" => f64::tan,
        "asin" => f64::asin,
        "acos" => f64::acos,
        "atan" => f64::atan,
        "sinh" => f64::sinh,
        "cosh" => f64::cosh,
        "tanh" => f64::tanh,
        "asinh" => f64::asinh,
        "acosh" => f64::acosh,
        "atanh" => f64::atanh,
        "rad" => |value| value * PI / 180.0,
        "deg" => |value| value * 180.0 / PI,
        _ => return None,
    })
}

impl Evaluator<'_> {
    pub(super) fn round(&self, call: &Call, steps: Steps, sink: &mut Sink<'_>) -> Result<(), Error> {
        let nearest = match call.args.get(1) {
            Some(expr) => self.scalar(expr, steps)?,
            None => vec![1.0; steps.count],
        };
        self.map(call.arg(0)?, steps, true, &mut |step, value| round(value, nearest[step]), sink)
    }

    pub(super) fn clamp(&self, call: &Call, steps: Steps, sink: &mut Sink<'_>) -> Result<(), Error> {
        let bound = |index: usize| self.scalar(call.arg(index)?, steps);
        let (min, max) = match call.function {
            Function::ClampMin => (bound(1)?, vec![f64::INFINITY; steps.count]),
            Function::ClampMax => (vec![f64::NEG_INFINITY; steps.count], bound(1)?),
            _ => (bound(1)?, bound(2)?),
        };
        self.map(call.arg(0)?, steps, true, &mut |step, value| clamp(value, min[step], max[step]), sink)
    }
}

/// Ties are rounded up. Multiplying by the inverse loses less precision than dividing.
fn round(value: f64, nearest: f64) -> f64 {
    let inverse = 1.0 / nearest;
    (value * inverse + 0.5).floor() / inverse
}

/// The stale marker if the bounds are inverted; NaN if any number is.
fn clamp(value: f64, min: f64, max: f64) -> f64 {
    if max < min {
        stale_marker()
    } else if value.is_nan() || min.is_nan() || max.is_nan() {
        f64::NAN
    } else {
        value.min(max).max(min)
    }
}
