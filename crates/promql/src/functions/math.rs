//! Functions of one number, and those that bound or round it.
use super::{Function, arg};
use crate::Error;
use crate::ast::Call;
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
    /// `round` and the three `clamp`s.
    pub(super) fn bounded(&self, call: &Call, steps: Steps, sink: &mut Sink<'_>) -> Result<(), Error> {
        let number = |index: usize, default: f64| match call.args.get(index) {
            Some(expr) => self.scalar(expr, steps),
            None => Ok(vec![default; steps.count]),
        };
        let of = arg(call, 0)?;
        let (lowest, highest) = match call.function {
            Function::Round => {
                let nearest = number(1, 1.0)?;
                let round = &mut |step: usize, value| round(value, nearest[step]);
                return self.map(of, steps, true, round, sink);
            }
            Function::ClampMin => (number(1, 0.0)?, vec![f64::INFINITY; steps.count]),
            Function::ClampMax => (vec![f64::NEG_INFINITY; steps.count], number(1, 0.0)?),
            _ => (number(1, 0.0)?, number(2, 0.0)?),
        };
        self.map(of, steps, true, &mut |step, value| clamp(value, lowest[step], highest[step]), sink)
    }
}

/// Ties are rounded up. Multiplying by the inverse loses less than dividing.
fn round(value: f64, nearest: f64) -> f64 {
    let inverse = 1.0 / nearest;
    (value * inverse + 0.5).floor() / inverse
}

/// None where the bounds are the wrong way round; NaN where any number is.
fn clamp(value: f64, lowest: f64, highest: f64) -> f64 {
    if highest < lowest {
        stale_marker()
    } else if value.is_nan() || lowest.is_nan() || highest.is_nan() {
        f64::NAN
    } else {
        value.min(highest).max(lowest)
    }
}
