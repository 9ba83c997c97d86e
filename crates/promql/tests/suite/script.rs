//! The language of `promqltest`: `load`, `clear` and `eval` with expectations. Source: its README.
use promql::{Labels, METRIC_NAME, stale_marker};

/// One command, with the line it is on.
pub(crate) enum Command {
    Clear,
    Load(Vec<Described>),
    Eval(Eval),
}

/// A series and its values by their number; `None` for no sample. `histograms` if some were native histograms.
#[derive(Debug)]
pub(crate) struct Described {
    pub(crate) labels: Labels,
    pub(crate) values: Vec<Option<f64>>,
    pub(crate) histograms: bool,
    /// Between two values, in milliseconds.
    pub(crate) gap_ms: i64,
}

#[derive(Debug)]
pub(crate) struct Eval {
    pub(crate) line: usize,
    pub(crate) query: String,
    pub(crate) when: When,
    pub(crate) fails: bool,
    pub(crate) ordered: bool,
    pub(crate) expected: Expected,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum When {
    At(i64),
    Range { start_ms: i64, end_ms: i64, step_ms: i64 },
}

#[derive(Debug)]
pub(crate) enum Expected {
    Scalar(f64),
    Text(String),
    Series(Vec<Described>),
    /// A range vector: the series' samples at these times.
    Matrix {
        start_ms: i64,
        step_ms: i64,
        series: Vec<Described>,
    },
}

/// Reads a script.
pub(crate) fn commands(text: &str) -> Result<Vec<Command>, String> {
    let lines: Vec<&str> = text.lines().map(str::trim).map(|l| if l.starts_with('#') { "" } else { l }).collect();
    let mut commands = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let (head, line) = (lines[at], at + 1);
        at += 1;
        let block_end = at + lines[at..].iter().take_while(|l| !l.is_empty()).count();
        let (word, rest) = head.split_once(char::is_whitespace).unwrap_or((head, ""));
        let command = match word {
            "" => continue,
            "clear" => Command::Clear,
            "load" | "load_with_nhcb" => {
                let gap_ms = duration_ms(rest)?;
                // Start timestamps are an experiment that no classic evaluation looks at.
                let series = lines[at..block_end].iter().filter(|l| !l.contains("@st"));
                let series = series.map(|l| described(l, gap_ms)).collect::<Result<_, _>>()?;
                at = block_end;
                Command::Load(series)
            }
            _ if word.starts_with("eval") => {
                let eval = eval(line, word, rest, &lines[at..block_end]).map_err(|e| format!("line {line}: {e}"))?;
                at = block_end;
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
    let (when, query) = if let Some(rest) = rest.strip_prefix("instant") {
        let rest = rest.trim();
        match rest.strip_prefix("at ") {
            Some(rest) => {
                let (time, query) = rest.trim().split_once(' ').ok_or("no query")?;
                (When::At(duration_ms(time)?), query)
            }
            None => (When::At(0), rest),
        }
    } else {
        let words: Vec<&str> = rest.splitn(8, ' ').collect();
        let ["range", "from", start, "to", end, "step", step, query] = words[..] else {
            return Err(format!("unknown eval: {rest}"));
        };
        let (start_ms, end_ms, step_ms) = (duration_ms(start)?, duration_ms(end)?, duration_ms(step)?);
        (When::Range { start_ms, end_ms, step_ms }, query)
    };
    let mut eval = Eval {
        line,
        query: query.trim().to_owned(),
        when,
        fails: word == "eval_fail",
        ordered: word == "eval_ordered",
        expected: Expected::Series(Vec::new()),
    };
    let gap_ms = if let When::Range { step_ms, .. } = when { step_ms } else { 0 };
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
            _ => series.push(described(expectation, gap_ms)?),
        }
    }
    match &mut eval.expected {
        Expected::Series(expected) | Expected::Matrix { series: expected, .. } => *expected = series,
        Expected::Scalar(_) | Expected::Text(_) => {}
    }
    Ok(eval)
}

/// A series description: `name{label="value"} 1 2+3x4 _ stale`.
pub(crate) fn described(text: &str, gap_ms: i64) -> Result<Described, String> {
    let (labels, rest) = labels(text)?;
    let mut described = Described { labels, values: Vec::new(), histograms: false, gap_ms };
    let mut rest = rest.trim_start();
    while !rest.is_empty() {
        if rest.starts_with("{{") {
            described.histograms = true;
            let end = rest.rfind("}}").ok_or("unclosed histogram")? + 2;
            rest = rest[end..].split_once(' ').map_or("", |(_, rest)| rest).trim_start();
            continue;
        }
        let (token, tail) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        described.values.extend(values(token).ok_or_else(|| format!("bad value {token} in {text}"))?);
        rest = tail.trim_start();
    }
    Ok(described)
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

/// A duration such as `1m30s`, or a number of seconds; signed.
pub(crate) fn duration_ms(text: &str) -> Result<i64, String> {
    let text = text.trim();
    if let Some(positive) = text.strip_prefix('-') {
        return duration_ms(positive).map(|ms| -ms);
    }
    if let Ok(seconds) = text.parse::<f64>() {
        return Ok((seconds * 1000.0) as i64);
    }
    let mut total = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(|| format!("bad duration {text}"))?;
        let amount: i64 = rest[..digits].parse().map_err(|_| format!("bad duration {text}"))?;
        let tail = &rest[digits..];
        let letters = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let unit = match &tail[..letters] {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 7 * 86_400_000,
            "y" => 365 * 86_400_000,
            _ => return Err(format!("bad duration {text}")),
        };
        total += amount * unit;
        rest = &tail[letters..];
    }
    Ok(total)
}
