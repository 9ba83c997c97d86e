//! Recipes as bytes. They are written out at compile time, and read once: as values they would be mostly pointers, which
//! hardly compress, and a thirtieth of the page.
use super::{Aggregation, Recipe, Shape};
use crate::{Layer, Names};
use std::ops::Deref;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The recipes of an engine.
#[derive(Clone, Copy, Debug)]
pub struct Recipes(&'static [u8]);

/// The recipes of an engine, from values that exist at compile time only.
macro_rules! recipes {
    ($($recipe:expr),* $(,)?) => {{
        const VALUES: &[crate::Recipe] = &[$($recipe),*];
        const LENGTH: usize = crate::recipe::Packer::<0>::packed(VALUES).length();
        const PACKED: &[u8] = &crate::recipe::Packer::<LENGTH>::packed(VALUES).into_bytes();
        crate::recipe::Recipes::of(PACKED)
    }};
}

impl Recipes {
    pub(crate) const NONE: Self = Self(&[]);

    pub(crate) const fn of(packed: &'static [u8]) -> Self {
        Self(packed)
    }

    /// Recipes that exist as values only: their bytes are nothing but an address by which they are found.
    pub(crate) fn from_values(values: Vec<Recipe>) -> Self {
        let recipes = Self(Box::leak(Box::new([END])));
        all().push((recipes, values.leak()));
        recipes
    }
}

/// The recipes that were read so far.
fn all() -> MutexGuard<'static, Vec<(Recipes, &'static [Recipe])>> {
    static ALL: Mutex<Vec<(Recipes, &[Recipe])>> = Mutex::new(Vec::new());
    ALL.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Deref for Recipes {
    type Target = [Recipe];

    fn deref(&self) -> &[Recipe] {
        let mut all = all();
        if let Some((_, recipes)) = all.iter().find(|(own, _)| std::ptr::eq(own.0, self.0)) {
            return recipes;
        }
        let recipes = Reader { rest: self.0 }.recipes().leak();
        all.push((*self, recipes));
        recipes
    }
}

/// What ends a text, and one of several texts.
const END: u8 = b'\n';
const NEXT: u8 = b'\t';

/// What a recipe has besides its shape, one bit each.
const SCALE: u8 = 1;
const PLUS: u8 = 2;
const VALID: u8 = 4;
const ONCE_BY: u8 = 8;
const COUNTING: u8 = 16;
const NEEDS: u8 = 32;
const SINCE: u8 = 64;
const DOCUMENTED: u8 = 128;

/// What a recipe leaves out, one bit each.
const WITHOUT_STEPS: u8 = 1;
const WITHOUT_PREFILL: u8 = 2;

const fn bit(bit: u8, is_set: bool) -> u8 {
    if is_set { bit } else { 0 }
}

/// Writes recipes into as many bytes as it has, and counts those that it needs.
pub(crate) struct Packer<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> Packer<N> {
    pub(crate) const fn packed(recipes: &[Recipe]) -> Self {
        let mut packer = Self { bytes: [0; N], length: 0 };
        let mut at = 0;
        while at < recipes.len() {
            packer.recipe(&recipes[at]);
            at += 1;
        }
        packer
    }

    pub(crate) const fn length(&self) -> usize {
        self.length
    }

    pub(crate) const fn into_bytes(self) -> [u8; N] {
        self.bytes
    }

    const fn recipe(&mut self, recipe: &Recipe) {
        let is_counted_apart =
            recipe.is_without_steps || recipe.is_without_prefill || recipe.top > 0 || recipe.layer.is_some();
        let has = bit(SCALE, recipe.scale != 1.0)
            | bit(PLUS, recipe.plus != 0.0)
            | bit(VALID, !recipe.valid.is_empty())
            | bit(ONCE_BY, !recipe.once_by.is_empty())
            | bit(COUNTING, is_counted_apart)
            | bit(NEEDS, !recipe.needs.is_empty())
            | bit(SINCE, !recipe.since.is_empty())
            | bit(DOCUMENTED, !recipe.documented.is_empty());
        self.byte(has);
        self.text(recipe.feeds, END);
        self.shape(&recipe.shape);
        if has & SCALE > 0 {
            self.number(recipe.scale);
        }
        if has & PLUS > 0 {
            self.number(recipe.plus);
        }
        if has & VALID > 0 {
            self.text(recipe.valid, END);
        }
        if has & ONCE_BY > 0 {
            self.texts(recipe.once_by);
        }
        if has & COUNTING > 0 {
            self.byte(bit(WITHOUT_STEPS, recipe.is_without_steps) | bit(WITHOUT_PREFILL, recipe.is_without_prefill));
            self.byte(recipe.top);
            self.byte(match recipe.layer {
                None => u8::MAX,
                Some(layer) => layer as u8,
            });
        }
        if has & NEEDS > 0 {
            self.text(recipe.needs, END);
        }
        if has & SINCE > 0 {
            self.text(recipe.since, END);
        }
        if has & DOCUMENTED > 0 {
            self.text(recipe.documented, END);
        }
    }

    const fn shape(&mut self, shape: &Shape) {
        match *shape {
            Shape::Gauge { aggregation, names } => self.names(aggregation as u8, names),
            Shape::GaugeBy { aggregation, names, label } => self.names_by(4 + aggregation as u8, names, label),
            Shape::Rate { aggregation, names } => self.names(8 + aggregation as u8, names),
            Shape::RateBy { aggregation, names, label } => self.names_by(12 + aggregation as u8, names, label),
            Shape::RateByClass { names, label } => self.names_by(16, names, label),
            Shape::Histogram { names } => self.names(17, names),
            Shape::Mean { names } => self.names(18, names),
            Shape::MeanBy { names, label } => self.names_by(19, names, label),
            Shape::Quantiles { names } => self.names(20, names),
            Shape::Ratio { numerator, denominator } => {
                self.names(21, numerator);
                self.texts(denominator);
            }
            Shape::ShareOf { part, rest } => {
                self.names(22, part);
                self.texts(rest);
            }
            Shape::RatioBy { numerator, denominator, label } => {
                self.names(23, numerator);
                self.texts(denominator);
                self.text(label, END);
            }
            Shape::Raw { promql, names } => self.names_by(24, names, promql),
        }
    }

    const fn names(&mut self, tag: u8, names: Names) {
        self.byte(tag);
        self.texts(names);
    }

    const fn names_by(&mut self, tag: u8, names: Names, text: &str) {
        self.names(tag, names);
        self.text(text, END);
    }

    const fn texts(&mut self, texts: &[&str]) {
        let mut at = 0;
        while at < texts.len() {
            self.text(texts[at], if at + 1 < texts.len() { NEXT } else { END });
            at += 1;
        }
        assert!(!texts.is_empty(), "a recipe without names");
    }

    const fn text(&mut self, text: &str, end: u8) {
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            assert!(bytes[at] != END && bytes[at] != NEXT, "a text of several lines");
            self.byte(bytes[at]);
            at += 1;
        }
        self.byte(end);
    }

    const fn number(&mut self, number: f64) {
        let bytes = number.to_le_bytes();
        let mut at = 0;
        while at < bytes.len() {
            self.byte(bytes[at]);
            at += 1;
        }
    }

    const fn byte(&mut self, byte: u8) {
        if self.length < N {
            self.bytes[self.length] = byte;
        }
        self.length += 1;
    }
}

/// Reads what a [`Packer`] wrote.
struct Reader {
    rest: &'static [u8],
}

impl Reader {
    fn recipes(mut self) -> Vec<Recipe> {
        let mut recipes = Vec::new();
        while !self.rest.is_empty() {
            let has = self.byte();
            let mut recipe = Recipe::new(self.text(), self.shape());
            if has & SCALE > 0 {
                recipe.scale = self.number();
            }
            if has & PLUS > 0 {
                recipe.plus = self.number();
            }
            if has & VALID > 0 {
                recipe.valid = self.text();
            }
            if has & ONCE_BY > 0 {
                recipe.once_by = self.texts();
            }
            if has & COUNTING > 0 {
                let without = self.byte();
                recipe.is_without_steps = without & WITHOUT_STEPS > 0;
                recipe.is_without_prefill = without & WITHOUT_PREFILL > 0;
                recipe.top = self.byte();
                recipe.layer = Layer::ALL.get(usize::from(self.byte())).copied();
            }
            if has & NEEDS > 0 {
                recipe.needs = self.text();
            }
            if has & SINCE > 0 {
                recipe.since = self.text();
            }
            if has & DOCUMENTED > 0 {
                recipe.documented = self.text();
            }
            recipes.push(recipe);
        }
        recipes
    }

    fn shape(&mut self) -> Shape {
        let tag = self.byte();
        let aggregation = Aggregation::ALL[usize::from(tag % 4)];
        let names = self.texts();
        match tag {
            0..4 => Shape::Gauge { aggregation, names },
            4..8 => Shape::GaugeBy { aggregation, names, label: self.text() },
            8..12 => Shape::Rate { aggregation, names },
            12..16 => Shape::RateBy { aggregation, names, label: self.text() },
            16 => Shape::RateByClass { names, label: self.text() },
            17 => Shape::Histogram { names },
            18 => Shape::Mean { names },
            19 => Shape::MeanBy { names, label: self.text() },
            20 => Shape::Quantiles { names },
            21 => Shape::Ratio { numerator: names, denominator: self.texts() },
            22 => Shape::ShareOf { part: names, rest: self.texts() },
            23 => Shape::RatioBy { numerator: names, denominator: self.texts(), label: self.text() },
            _ => Shape::Raw { names, promql: self.text() },
        }
    }

    fn texts(&mut self) -> Names {
        let texts: Vec<&'static str> = self.text().split(char::from(NEXT)).collect();
        texts.leak()
    }

    fn text(&mut self) -> &'static str {
        let length = self.rest.iter().position(|byte| *byte == END).unwrap_or(self.rest.len());
        let text = self.taken(length);
        self.byte();
        std::str::from_utf8(text).unwrap_or_default()
    }

    fn number(&mut self) -> f64 {
        self.taken(8).try_into().map_or(1.0, f64::from_le_bytes)
    }

    fn byte(&mut self) -> u8 {
        self.taken(1).first().copied().unwrap_or_default()
    }

    fn taken(&mut self, length: usize) -> &'static [u8] {
        let (taken, rest) = self.rest.split_at(length.min(self.rest.len()));
        self.rest = rest;
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::*;

    /// The same recipes as values and as bytes.
    macro_rules! both {
        ($($recipe:expr),* $(,)?) => { (vec![$($recipe),*], recipes![$($recipe),*]) };
    }

    #[test]
    fn recipes_are_read_as_they_were_written() {
        let (values, packed) = both![
            avg("a/b", &["c"]).scale(0.5).plus(1.0).valid("< 9e18").once_by(&["d", "e"]),
            max_by("a", &["c{d=\"e|f\"}", "g * 1e6"], "h").layer(Layer::Machine).top(8),
            min("a", &["c"]).without_steps().layer(Layer::Platform),
            rate("a", &["c"]).without_prefill().needs("--d"),
            avg_rate_by("a", &["c"], "d").since("1.2"),
            rate_by_class("a", &["c"], "d").documented("e"),
            histogram("a", &["c"]),
            mean("a", &["c"]),
            mean_by("a", &["c"], "d"),
            quantiles("a", &["c"]),
            ratio("a", &["c", "d"], &["e"]),
            share_of("a", &["c"], &["d", "e"]),
            ratio_by("a", &["c"], &["d"], "e"),
            raw("a", "sum$by (c{$scope}) · 2", &["c"]),
        ];
        assert_eq!(format!("{:?}", &packed[..]), format!("{values:?}"));
        assert!(Recipes::NONE.is_empty());
    }
}
