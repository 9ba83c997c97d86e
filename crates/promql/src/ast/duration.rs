//! Durations in a query: literals, and expressions whose value depends on the range of the query.
use crate::error::Error;
use crate::query_range::QueryRange;

/// The longest duration that Prometheus can represent, 2^63 nanoseconds, in seconds.
const MAX_SECONDS: f64 = 9_223_372_036.854_775;

const NANOS_PER_SECOND: f64 = 1e9;
const NANOS_PER_MS: i64 = 1_000_000;

/// A duration of a query.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Duration {
    /// The value in milliseconds; of an expression, zero until it is resolved.
    pub(crate) ms: i64,
    expr: Option<Box<DurationExpr>>,
}

/// An expression of durations, as Prometheus prints it. Source: `promql/durations.go` of Prometheus 3.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum DurationExpr {
    Literal {
        seconds: f64,
        /// Whether it is written with units, not as a number of seconds.
        has_unit: bool,
    },
    /// The step of the query; zero for an instant query.
    Step,
    /// The time from the start of the query to its end; zero for an instant query.
    Range,
    Negate(Box<DurationExpr>),
    Paren(Box<DurationExpr>),
    Binary {
        op: DurationOp,
        left: Box<DurationExpr>,
        right: Box<DurationExpr>,
    },
    MinOf(Box<DurationExpr>, Box<DurationExpr>),
    MaxOf(Box<DurationExpr>, Box<DurationExpr>),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum DurationOp {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
}

impl From<DurationExpr> for Duration {
    fn from(expr: DurationExpr) -> Self {
        match expr {
            DurationExpr::Literal { seconds, .. } => {
                Self { ms: (seconds * NANOS_PER_SECOND).round() as i64 / NANOS_PER_MS, expr: None }
            }
            expr => Self { ms: 0, expr: Some(Box::new(expr)) },
        }
    }
}

impl Duration {
    /// Whether it is not the default of a modifier.
    pub(crate) fn is_set(&self) -> bool {
        self.ms != 0 || self.is_expression()
    }

    /// The expression, if it is more than a literal.
    pub(crate) fn expression(&self) -> Option<&DurationExpr> {
        self.expr.as_deref()
    }

    pub(crate) fn is_expression(&self) -> bool {
        self.expr.is_some()
    }

    /// Sets the value for a query over `range`.
    ///
    /// # Errors
    /// If the value is no number or too long.
    pub(crate) fn resolve(&mut self, range: QueryRange) -> Result<(), Error> {
        let Some(expr) = &self.expr else { return Ok(()) };
        let seconds = expr.seconds(range)?;
        if !seconds.is_finite() {
            return Err(Error::Syntax(format!("the duration {expr} is NaN or infinite")));
        }
        if seconds.abs() > MAX_SECONDS {
            return Err(Error::Syntax(format!("the duration {expr} is out of range")));
        }
        self.ms = (seconds * 1000.0) as i64;
        Ok(())
    }

    /// Like [`Duration::resolve`], for a duration that must be above zero.
    ///
    /// # Errors
    /// If the value is no number, too long, or not above zero.
    pub(crate) fn resolve_positive(&mut self, range: QueryRange) -> Result<(), Error> {
        self.resolve(range)?;
        match &self.expr {
            Some(expr) if self.ms <= 0 => Err(Error::Syntax(format!("the duration {expr} must be greater than 0"))),
            _ => Ok(()),
        }
    }
}

impl DurationExpr {
    /// The expression with a minus before it.
    pub(crate) fn negated(self) -> Self {
        match self {
            Self::Literal { seconds, has_unit } => Self::Literal { seconds: -seconds, has_unit },
            expr => Self::Negate(Box::new(expr)),
        }
    }

    fn seconds(&self, range: QueryRange) -> Result<f64, Error> {
        let as_seconds = |ms: i64| ms as f64 / 1000.0;
        Ok(match self {
            Self::Literal { seconds, .. } => *seconds,
            Self::Step => as_seconds(range.step_ms),
            Self::Range => as_seconds(range.end_ms.saturating_sub(range.start_ms)),
            Self::Negate(inner) => -inner.seconds(range)?,
            Self::Paren(inner) => inner.seconds(range)?,
            Self::MinOf(a, b) => a.seconds(range)?.min(b.seconds(range)?),
            Self::MaxOf(a, b) => a.seconds(range)?.max(b.seconds(range)?),
            Self::Binary { op, left, right } => {
                let (left, right) = (left.seconds(range)?, right.seconds(range)?);
                match op {
                    DurationOp::Add => left + right,
                    DurationOp::Sub => left - right,
                    DurationOp::Mul => left * right,
                    DurationOp::Div if right == 0.0 => {
                        return Err(Error::Syntax(format!("division by zero in the duration {self}")));
                    }
                    DurationOp::Div => left / right,
                    DurationOp::Mod if right == 0.0 => {
                        return Err(Error::Syntax(format!("modulo by zero in the duration {self}")));
                    }
                    DurationOp::Mod => left % right,
                    DurationOp::Pow => left.powf(right),
                }
            }
        })
    }
}
