//! Conversion of `promql-parser`'s syntax tree to ours, with the checks that it omits.
use super::number::MAX_DURATION_MS;
use super::prelex::SourcePattern;
use crate::ast::{
    Aggregate, AggregateOp, At, Binary, BinaryOp, Call, Cardinality, Expr, Grouping, Matching, MatrixSelector,
    Subquery, TimeModifiers, ValueType, VectorSelector,
};
use crate::error::Error;
use crate::functions;
use crate::labels::METRIC_NAME;
use crate::selector::{MatchOp, Matcher, Selector};
use promql_parser::label::{MatchOp as ParsedOp, Matcher as ParsedMatcher};
use promql_parser::parser as parsed;
use promql_parser::parser::token;
use promql_parser::parser::value::ValueType as ParsedType;
use std::time::{Duration, UNIX_EPOCH};

/// Converts the tree of a prelexed text.
pub(super) struct Converter<'p> {
    /// The regular expressions that the pre-lexer took out of the text.
    pub(super) patterns: &'p [SourcePattern],
}

impl Converter<'_> {
    pub(super) fn expr(&self, from: &parsed::Expr) -> Result<Expr, Error> {
        Ok(match from {
            parsed::Expr::NumberLiteral(number) => Expr::Number(number.val),
            parsed::Expr::StringLiteral(text) => Expr::String(text.val.clone()),
            parsed::Expr::VectorSelector(vector) => Expr::VectorSelector(self.vector_selector(vector)?),
            parsed::Expr::MatrixSelector(matrix) => Expr::MatrixSelector(MatrixSelector {
                vector: self.vector_selector(&matrix.vs)?,
                window_ms: positive_ms(matrix.range)?,
            }),
            parsed::Expr::Subquery(subquery) => Expr::Subquery(Subquery {
                inner: Box::new(self.expr(&subquery.expr)?),
                window_ms: positive_ms(subquery.range)?,
                step_ms: subquery.step.map(positive_ms).transpose()?,
                modifiers: time_modifiers(subquery.at.as_ref(), subquery.offset.as_ref())?,
            }),
            parsed::Expr::Call(from) => Expr::Call(self.call(from)?),
            parsed::Expr::Aggregate(from) => Expr::Aggregate(self.aggregate(from)?),
            parsed::Expr::Binary(from) => Expr::Binary(self.binary(from)?),
            parsed::Expr::Unary(unary) => match self.expr(&unary.expr)? {
                Expr::Number(value) => Expr::Number(-value),
                inner => Expr::Negate(Box::new(inner)),
            },
            parsed::Expr::Paren(paren) => Expr::Paren(Box::new(self.expr(&paren.expr)?)),
            parsed::Expr::Extension(_) => return Err(Error::Unsupported("an extension expression".into())),
        })
    }

    fn vector_selector(&self, from: &parsed::VectorSelector) -> Result<VectorSelector, Error> {
        let alternatives = if from.matchers.or_matchers.is_empty() {
            std::slice::from_ref(&from.matchers.matchers)
        } else {
            from.matchers.or_matchers.as_slice()
        };
        let mut any_of = Vec::with_capacity(alternatives.len());
        for alternative in alternatives {
            let mut matchers = alternative.iter().map(|from| self.matcher(from)).collect::<Result<Vec<_>, _>>()?;
            if let Some(name) = &from.name {
                matchers.push(Matcher { name: METRIC_NAME.into(), op: MatchOp::Equal, value: name.clone() });
            } else if matchers.iter().all(|matcher| matcher.matches("")) {
                return Err(Error::Syntax("vector selector must contain at least one non-empty matcher".into()));
            }
            any_of.push(matchers);
        }
        Ok(VectorSelector {
            name: from.name.clone(),
            selector: Selector { any_of },
            modifiers: time_modifiers(from.at.as_ref(), from.offset.as_ref())?,
        })
    }

    fn matcher(&self, from: &ParsedMatcher) -> Result<Matcher, Error> {
        let matcher = |op, value: &String| Matcher { name: from.name.clone(), op, value: value.clone() };
        Ok(match &from.op {
            ParsedOp::Equal => matcher(MatchOp::Equal, &from.value),
            ParsedOp::NotEqual => matcher(MatchOp::NotEqual, &from.value),
            ParsedOp::Re(_) => {
                let SourcePattern { source, pattern } = self.pattern(&from.value)?;
                matcher(MatchOp::Regex(pattern.clone()), source)
            }
            ParsedOp::NotRe(_) => {
                let SourcePattern { source, pattern } = self.pattern(&from.value)?;
                matcher(MatchOp::NotRegex(pattern.clone()), source)
            }
        })
    }

    /// The regular expression that the pre-lexer replaced by `placeholder`.
    fn pattern(&self, placeholder: &str) -> Result<&SourcePattern, Error> {
        let unknown = || Error::Syntax(format!("unexpected regular expression {placeholder:?}"));
        let index = placeholder.trim_end_matches('|').parse::<usize>().ok();
        index.and_then(|index| self.patterns.get(index)).ok_or_else(unknown)
    }

    fn call(&self, from: &parsed::Call) -> Result<Call, Error> {
        let name = from.func.name;
        let function = functions::by_name(name)
            .ok_or_else(|| Error::Unsupported(format!("the function {name} (experimental in Prometheus)")))?;
        let args = from.args.args.iter().map(|arg| self.expr(arg)).collect::<Result<Vec<_>, _>>()?;
        let types = from.func.arg_types.iter().copied().map(value_type);
        // The parser does not check the types of some constants.
        for (arg, expected) in args.iter().zip(types.chain(std::iter::repeat(type_of_further_args(from)))) {
            let actual = arg.value_type();
            if actual != expected {
                return Err(Error::Syntax(format!("expected type {expected:?} in call to {name}, got {actual:?}")));
            }
        }
        Ok(Call { name, function, return_type: value_type(from.func.return_type), args })
    }

    fn aggregate(&self, from: &parsed::AggregateExpr) -> Result<Aggregate, Error> {
        let op = match from.op.id() {
            token::T_SUM => AggregateOp::Sum,
            token::T_AVG => AggregateOp::Avg,
            token::T_MIN => AggregateOp::Min,
            token::T_MAX => AggregateOp::Max,
            token::T_COUNT => AggregateOp::Count,
            token::T_GROUP => AggregateOp::Group,
            token::T_STDDEV => AggregateOp::Stddev,
            token::T_STDVAR => AggregateOp::Stdvar,
            token::T_QUANTILE => AggregateOp::Quantile,
            token::T_TOPK => AggregateOp::Topk,
            token::T_BOTTOMK => AggregateOp::Bottomk,
            token::T_COUNT_VALUES => AggregateOp::CountValues,
            _ => return Err(Error::Unsupported(format!("the aggregation {} (experimental in Prometheus)", from.op))),
        };
        let grouping = match &from.modifier {
            None => Grouping::By(Vec::new()),
            Some(parsed::LabelModifier::Include(labels)) => Grouping::By(labels.labels.clone()),
            Some(parsed::LabelModifier::Exclude(labels)) => Grouping::Without(labels.labels.clone()),
        };
        let param = from.param.as_ref().map(|param| self.expr(param)).transpose()?.map(Box::new);
        Ok(Aggregate { op, grouping, param, inner: Box::new(self.expr(&from.expr)?) })
    }

    fn binary(&self, from: &parsed::BinaryExpr) -> Result<Binary, Error> {
        let op = match from.op.id() {
            token::T_ADD => BinaryOp::Add,
            token::T_SUB => BinaryOp::Sub,
            token::T_MUL => BinaryOp::Mul,
            token::T_DIV => BinaryOp::Div,
            token::T_MOD => BinaryOp::Mod,
            token::T_POW => BinaryOp::Pow,
            token::T_ATAN2 => BinaryOp::Atan2,
            token::T_EQLC => BinaryOp::Equal,
            token::T_NEQ => BinaryOp::NotEqual,
            token::T_GTR => BinaryOp::Greater,
            token::T_LSS => BinaryOp::Less,
            token::T_GTE => BinaryOp::GreaterOrEqual,
            token::T_LTE => BinaryOp::LessOrEqual,
            token::T_LAND => BinaryOp::And,
            token::T_LOR => BinaryOp::Or,
            token::T_LUNLESS => BinaryOp::Unless,
            _ => return Err(Error::Unsupported(format!("the operator {}", from.op))),
        };
        let mut matching = Matching {
            on: false,
            labels: Vec::new(),
            cardinality: Cardinality::OneToOne,
            fill_left: None,
            fill_right: None,
        };
        if let Some(modifier) = &from.modifier {
            matching.on = modifier.is_matching_on();
            matching.labels = modifier.matching.as_ref().map(|m| m.labels().labels.clone()).unwrap_or_default();
            matching.cardinality = match &modifier.card {
                parsed::VectorMatchCardinality::ManyToOne(labels) => Cardinality::ManyToOne(labels.labels.clone()),
                parsed::VectorMatchCardinality::OneToMany(labels) => Cardinality::OneToMany(labels.labels.clone()),
                _ => Cardinality::OneToOne,
            };
            matching.fill_left = modifier.fill_values.lhs;
            matching.fill_right = modifier.fill_values.rhs;
        }
        Ok(Binary {
            op,
            left: Box::new(self.expr(&from.lhs)?),
            right: Box::new(self.expr(&from.rhs)?),
            return_bool: from.return_bool(),
            matching,
        })
    }
}

fn time_modifiers(at: Option<&parsed::AtModifier>, offset: Option<&parsed::Offset>) -> Result<TimeModifiers, Error> {
    let at = match at {
        None => None,
        Some(parsed::AtModifier::Start) => Some(At::Start),
        Some(parsed::AtModifier::End) => Some(At::End),
        Some(parsed::AtModifier::At(time)) => {
            let (sign, distance) = match time.duration_since(UNIX_EPOCH) {
                Ok(after) => (1, after),
                Err(before) => (-1, before.duration()),
            };
            let ms = i64::try_from(distance.as_millis())
                .map_err(|_| Error::Syntax("timestamp out of bounds for @ modifier".into()))?;
            Some(At::TimeMs(sign * ms))
        }
    };
    let offset_ms = match offset {
        None => 0,
        Some(parsed::Offset::Pos(by)) => duration_ms(*by)?,
        Some(parsed::Offset::Neg(by)) => -duration_ms(*by)?,
    };
    Ok(TimeModifiers { at, offset_ms })
}

fn duration_ms(duration: Duration) -> Result<i64, Error> {
    i64::try_from(duration.as_millis())
        .ok()
        .filter(|ms| *ms <= MAX_DURATION_MS)
        .ok_or_else(|| Error::Syntax("duration out of range".into()))
}

fn positive_ms(duration: Duration) -> Result<i64, Error> {
    match duration_ms(duration)? {
        0 => Err(Error::Syntax("duration must be greater than 0".into())),
        ms => Ok(ms),
    }
}

/// The type of variadic arguments beyond those that the signature lists.
fn type_of_further_args(from: &parsed::Call) -> ValueType {
    from.func.arg_types.last().copied().map_or(ValueType::Scalar, value_type)
}

fn value_type(from: ParsedType) -> ValueType {
    match from {
        ParsedType::Scalar => ValueType::Scalar,
        ParsedType::Vector => ValueType::Vector,
        ParsedType::Matrix => ValueType::Matrix,
        ParsedType::String => ValueType::String,
    }
}
