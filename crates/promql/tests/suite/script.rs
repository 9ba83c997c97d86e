//! A parser of `promqltest` scripts: `load`, `clear` and `eval` with expectations. Source: its README.
use prometheus_api::parse_duration_ms;
use promql::{Labels, METRIC_NAME, stale_marker};

/// A command of a script.
pub(crate) enum Command {
    Clear,
    Load(Vec<SeriesDescription>),
    Eval(Eval),
}

/// A series with evenly spaced values.
#[derive(Debug)]
pub(crate) struct SeriesDescription {
    pub(crate) labels: Labels,
    /// `None` is a missing sample.
    pub(crate) values: Vec<Option<f64>>,
    /// Whether some values are native histograms, which are omitted.
    pub(crate) has_histograms: bool,
    pub(crate) interval_ms: i64,
}

#[derive(Debug)]
pub(crate) struct Eval {
    pub(crate) line: usize,
    pub(crate) query: String,
    pub(crate) time: EvalTime,
    pub(crate) fails: bool,
    pub(crate) ordered: bool,
    pub(crate) expected: Expected,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum EvalTime {
    At(i64),
    Range { start_ms: i64, end_ms: i64, step_ms: i64 },
}

#[derive(Debug)]
pub(crate) enum Expected {
    Scalar(f64),
    Text(String),
    Series(Vec<SeriesDescription>),
    /// The samples of a range vector, at these times.
    Matrix {
        start_ms: i64,
        step_ms: i64,
        series: Vec<SeriesDescription>,
    },
}

/// Parses a script.
pub(crate) fn commands(text: &str) -> Result<Vec<Command>, String> {
    let lines: Vec<&str> = text.lines().map(str::trim).map(|l| if l.starts_with('#') { "" } else { l }).collect();
    let mut commands = Vec::new();
    let mut next = 0;
    while next < lines.len() {
        let (head, line) = (lines[next], next + 1);
        next += 1;
        let block_end = next + lines[next..].iter().take_while(|l| !l.is_empty()).count();
        let (word, rest) = head.split_once(char::is_whitespace).unwrap_or((head, ""));
        let command = match word {
            "" => continue,
            "clear" => Command::Clear,
            "load" | "load_with_nhcb" => {
                let interval_ms = duration_ms(rest)?;
                // No classic evaluation uses start timestamps.
                let series = lines[next..block_end].iter().filter(|l| !l.contains("@st"));
                let series = series.map(|l| parse_series(l, interval_ms)).collect::<Result<_, _>>()?;
                next = block_end;
                Command::Load(series)
            }
            _ if word.starts_with("eval") => {
                let eval = eval(line, word, rest, &lines[next..block_end]).map_err(|e| format!("line {line}: {e}"))?;
                next = block_end;
                Command::Eval(eval)
            }
            _ => return Err(format!("line {line}: unknown command {word}")),
        };
        commands.push(command);
    }
    Ok(commands)
}

fn eval(line: usize, word: &str, rest: &str, block: &[&str]) -> Result<Eval, String> {
    let rest = rest.trim();
    let (time, query) = if let Some(rest) = rest.strip_prefix("instant") {
        let rest = rest.trim();
        match rest.strip_prefix("at ") {
            Some(rest) => {
                let (at, query) = rest.trim().split_once(' ').ok_or("no query")?;
                (EvalTime::At(duration_ms(at)?), query)
            }
            None => (EvalTime::At(0), rest),
        }
    } else {
        let words: Vec<&str> = rest.splitn(8, ' ').collect();
        let ["range", "from", start, "to", end, "step", step, query] = words[..] else {
            return Err(format!("unknown eval: {rest}"));
        };
        let (start_ms, end_ms, step_ms) = (duration_ms(start)?, duration_ms(end)?, duration_ms(step)?);
        (EvalTime::Range { start_ms, end_ms, step_ms }, query)
    };
    let mut eval = Eval {
        line,
        query: query.trim().to_owned(),
        time,
        fails: word == "eval_fail",
        ordered: word == "eval_ordered",
        expected: Expected::Series(Vec::new()),
    };
    let interval_ms = if let EvalTime::Range { step_ms, .. } = time { step_ms } else { 0 };
    let mut series = Vec::new();
    for expectation in block {
        let (word, rest) = expectation.split_once(char::is_whitespace).unwrap_or((expectation, ""));
        match (word, rest.trim()) {
            ("expect", "ordered") => eval.ordered = true,
            ("expect", rest) if rest.starts_with("fail") => eval.fails = true,
            ("expect", rest) if rest.starts_with("string ") => {
                let quoted = rest["string ".len()..].trim();
                eval.expected = Expected::Text(quoted[1..quoted.len() - 1].to_owned());
            }
            ("expect", rest) if rest.starts_with("range vector") => {
                let words: Vec<&str> = rest.split_whitespace().collect();
                let (start_ms, step_ms) = (duration_ms(words[3])?, duration_ms(words[7])?);
                eval.expected = Expected::Matrix { start_ms, step_ms, series: Vec::new() };
            }
            ("expect" | "expected_fail_message" | "expected_fail_regexp", _) => {}
            _ if number(expectation).is_some() => {
                eval.expected = Expected::Scalar(number(expectation).unwrap_or_default());
            }
            _ => series.push(parse_series(expectation, interval_ms)?),
        }
    }
    match &mut eval.expected {
        Expected::Series(expected) | Expected::Matrix { series: expected, .. } => *expected = series,
        Expected::Scalar(_) | Expected::Text(_) => {}
    }
    Ok(eval)
}

/// Parses a series description: `name{label="value"} 1 2+3x4 _ stale`.
pub(crate) fn parse_series(text: &str, interval_ms: i64) -> Result<SeriesDescription, String> {
    let (labels, rest) = labels(text)?;
    let mut series = SeriesDescription { labels, values: Vec::new(), has_histograms: false, interval_ms };
    let mut rest = rest.trim_start();
    while !rest.is_empty() {
        if rest.starts_with("{{") {
            series.has_histograms = true;
            let end = rest.rfind("}}").ok_or("unclosed histogram")? + 2;
            rest = rest[end..].split_once(' ').map_or("", |(_, rest)| rest).trim_start();
            continue;
        }
        let (token, tail) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        series.values.extend(values(token).ok_or_else(|| format!("bad value {token} in {text}"))?);
        rest = tail.trim_start();
    }
    Ok(series)
}

fn values(token: &str) -> Option<Vec<Option<f64>>> {
    let (token, times) = match token.rsplit_once('x') {
        Some((token, times)) => (token, Some(times.parse::<usize>().ok()?)),
        None => (token, None),
    };
    match token {
        "_" => return Some(vec![None; times.unwrap_or(1)]),
        "stale" => return Some(vec![Some(stale_marker()); times.map_or(1, |times| times + 1)]),
        _ => {}
    }
    let times = times.unwrap_or(0);
    if let Some(value) = number(token) {
        return Some(vec![Some(value); times + 1]);
    }
    let signs = token.char_indices().skip(1).filter(|(_, c)| matches!(c, '+' | '-')).map(|(at, _)| at);
    for at in signs {
        if let (Some(first), Some(step)) = (number(&token[..at]), number(&token[at..])) {
            return Some(
                std::iter::successors(Some(first), |value| Some(value + step)).take(times + 1).map(Some).collect(),
            );
        }
    }
    None
}

fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1.0, digits),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    digits.parse::<f64>().ok().filter(|_| !digits.starts_with(['+', '-'])).map(|value| sign * value)
}

fn labels(text: &str) -> Result<(Labels, &str), String> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':')).unwrap_or(text.len());
    let (name, mut rest) = text.split_at(end);
    if !name.is_empty() {
        pairs.push((METRIC_NAME.into(), name.into()));
    }
    if let Some(braces) = rest.strip_prefix('{') {
        rest = braces.trim_start_matches([' ', ',']);
        while !rest.starts_with('}') {
            let (key, tail) = if rest.starts_with(['"', '\'']) {
                let (key, tail) = quoted(rest)?;
                if !tail.trim_start().starts_with('=') {
                    pairs.push((METRIC_NAME.into(), key));
                    rest = tail.trim_start_matches([' ', ',']);
                    continue;
                }
                (key, tail.trim_start())
            } else {
                let end = rest.find('=').ok_or_else(|| format!("no = in {text}"))?;
                (rest[..end].trim().to_owned(), &rest[end..])
            };
            let (value, tail) = quoted(tail[1..].trim_start())?;
            pairs.push((key, value));
            rest = tail.trim_start_matches([' ', ',']);
        }
        rest = &rest[1..];
    }
    Ok((Labels::from_pairs(pairs), rest))
}

fn quoted(text: &str) -> Result<(String, &str), String> {
    let mut chars = text.char_indices();
    let (_, quote) = chars.next().ok_or("no quote")?;
    let mut contents = String::new();
    while let Some((at, c)) = chars.next() {
        match c {
            _ if c == quote => return Ok((contents, &text[at + 1..])),
            '\\' if quote != '`' => match chars.next().ok_or("no escape")?.1 {
                'n' => contents.push('\n'),
                't' => contents.push('\t'),
                other => contents.push(other),
            },
            _ => contents.push(c),
        }
    }
    Err(format!("unclosed quote in {text}"))
}

/// A duration such as `1m30s`, or a number of seconds; either may be negative.
fn duration_ms(text: &str) -> Result<i64, String> {
    let text = text.trim();
    match text.strip_prefix('-') {
        Some(positive) => duration_ms(positive).map(|ms| -ms),
        None => parse_duration_ms(text).map_err(|error| error.to_string()),
    }
}
