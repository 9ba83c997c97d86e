//! A page as far as it can be read: what is good on it, and its offences beyond the first.
use crate::{
    error::{ErrorKind, ParseError},
    family::Family,
    format::Format,
    grouping::Grouping,
    limits::Limits,
    line::sample::Scratch,
    page::{PageReader, group},
};

/// What a page has and what is wrong with it.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Examined {
    /// The families of the good lines, as [`parse`](crate::parse) gives them.
    pub families: Vec<Family>,
    /// The first offences, in the page's order; none on a page that is accepted. One can be what another led to.
    pub offences: Vec<ParseError>,
    /// How many offences there are beyond those.
    pub more_offences: usize,
}

/// Reads a page and goes on at the next line where one is refused; `most_offences` are kept. For people who repair a
/// page: who scrapes takes all of it or nothing, by [`parse`](crate::parse). What is beyond the limit on samples is not
/// looked at, nor is a page that is too long or not UTF-8.
pub fn examine(body: &[u8], format: Format, limits: &Limits, most_offences: usize) -> Examined {
    let mut examined = Examined::default();
    let mut page = match PageReader::new(body, format, limits) {
        Ok(page) => page,
        Err(offence) => {
            examined.note(offence, most_offences);
            return examined;
        }
    };
    let mut scratch = Scratch::default();
    let mut grouping = Grouping::new(format);
    loop {
        let is_last = page.rest().is_empty();
        match page.next_line(&mut scratch) {
            Ok(Some(line)) => group(line, &scratch, &mut grouping),
            Ok(None) => break,
            Err(offence) => {
                let ends = is_last || matches!(offence.kind, ErrorKind::SampleLimit { .. });
                examined.note(offence, most_offences);
                if ends {
                    break;
                }
            }
        }
    }
    examined.families = grouping.families();
    examined
}

impl Examined {
    fn note(&mut self, offence: ParseError, most: usize) {
        if self.offences.len() < most {
            self.offences.push(offence);
        } else {
            self.more_offences += 1;
        }
    }
}
