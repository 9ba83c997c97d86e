//! Charts in the browser: what is painted on a canvas, and drags across it.
use crate::{Browser, FixtureError, Result};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use thirtyfour::WebElement;

/// Counts a canvas's pixels by colour; a canvas that was never painted is all `00000000`.
const COUNT_COLOURS: &str = "
    const canvas = arguments[0], counts = {};
    if (canvas.width && canvas.height) {
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        for (const rgba of new Uint32Array(data.buffer))
            counts[rgba] = (counts[rgba] ?? 0) + 1;
    }
    return Object.entries(counts).map(([rgba, count]) => {
        const bytes = new Uint8Array(new Uint32Array([Number(rgba)]).buffer);
        return [Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join(''), count];
    });";

/// Where an element stands in the window, in CSS pixels.
const PLACE: &str = "
    arguments[0].scrollIntoView({ block: 'center', behavior: 'instant' });
    const place = arguments[0].getBoundingClientRect();
    return [place.x, place.y, place.width, place.height];";

/// What is painted on a canvas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paint {
    /// Pixels by colour, as `rrggbbaa` in lower-case hexadecimal.
    pub colours: BTreeMap<String, u64>,
}

impl Paint {
    /// Pixels that are not of the most frequent colour, the ground: what is drawn on it.
    pub fn ink(&self) -> u64 {
        let ground = self.colours.values().max().copied().unwrap_or(0);
        self.colours.values().sum::<u64>() - ground
    }

    /// Pixels of any colour that has hue: lines and bars rather than axes, grid and text, which are grey.
    pub fn coloured(&self) -> u64 {
        self.hues().map(|(_, count)| count).sum()
    }

    /// The most frequent colour that has hue.
    pub fn main_hue(&self) -> Option<&str> {
        self.hues().max_by_key(|(_, count)| *count).map(|(rgba, _)| rgba)
    }

    fn hues(&self) -> impl Iterator<Item = (&str, u64)> {
        let has_hue = |rgba: &str| {
            let channel =
                |at: usize| rgba.get(at..at + 2).and_then(|hex| u8::from_str_radix(hex, 16).ok()).unwrap_or(0);
            let channels = [channel(0), channel(2), channel(4)];
            let (low, high) = channels.iter().fold((u8::MAX, 0), |(low, high), &c| (low.min(c), high.max(c)));
            channel(6) > 0 && high - low > 48
        };
        self.colours.iter().map(|(rgba, count)| (rgba.as_str(), *count)).filter(move |(rgba, _)| has_hue(rgba))
    }
}

impl Browser {
    /// What is painted on `canvas`, an element of that kind.
    ///
    /// # Errors
    /// When its pixels cannot be read.
    pub async fn paint(&self, canvas: &WebElement) -> Result<Paint> {
        let counts = self.evaluate(COUNT_COLOURS, vec![canvas.to_json()?]).await?;
        let pair = |entry: &Value| Some((entry.get(0)?.as_str()?.to_owned(), entry.get(1)?.as_u64()?));
        Ok(Paint { colours: counts.as_array().into_iter().flatten().filter_map(pair).collect() })
    }

    /// Brings `element` into the middle of the window: its left, top, width and height there, in CSS pixels.
    ///
    /// # Errors
    /// When the element has no place on the page.
    pub async fn place(&self, element: &WebElement) -> Result<[f64; 4]> {
        let place = self.evaluate(PLACE, vec![element.to_json()?]).await?;
        serde_json::from_value(place).map_err(|error| FixtureError::Page(format!("an element has no place: {error}")))
    }

    /// Moves fingers on a touch screen, each over the places in its row, in CSS pixels of the window: they come down at
    /// the first ones together, and stay down at the last ones.
    ///
    /// # Errors
    /// When the browser refuses.
    pub async fn touch(&self, fingers: &[&[(f64, f64)]]) -> Result<()> {
        let steps = fingers.iter().map(|places| places.len()).max().unwrap_or(0);
        for step in 0..steps {
            let at = |(id, places): (usize, &&[(f64, f64)])| {
                let (x, y) = places.get(step).or(places.last()).copied()?;
                Some(json!({ "x": x, "y": y, "id": id }))
            };
            let points: Vec<Value> = fingers.iter().enumerate().filter_map(at).collect();
            let kind = if step == 0 { "touchStart" } else { "touchMove" };
            self.devtools("Input.dispatchTouchEvent", json!({ "type": kind, "touchPoints": points })).await?;
        }
        Ok(())
    }

    /// Lifts all fingers.
    ///
    /// # Errors
    /// When the browser refuses.
    pub async fn lift(&self) -> Result<()> {
        self.devtools("Input.dispatchTouchEvent", json!({ "type": "touchEnd", "touchPoints": [] })).await.map(drop)
    }

    /// Drags across `element` with the pointer at half its height, from one share of its width to another.
    ///
    /// # Errors
    /// When the element has no place on the page.
    pub async fn drag(&self, element: &WebElement, from: f64, to: f64) -> Result<()> {
        let [left, top, width, height] = self.place(element).await?;
        let x = |share: f64| (left + width * share).round() as i64;
        let y = (top + height / 2.0).round() as i64;
        let drag = self.driver().action_chain().move_to(x(from), y).click_and_hold();
        // A hand passes places in between, and handlers may tell a drag from a click by them.
        let drag = drag.move_to(x(from + (to - from) / 3.0), y).move_to(x(from + (to - from) / 1.5), y);
        Ok(drag.move_to(x(to), y).release().perform().await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ink_is_what_stands_on_the_ground_and_hue_tells_lines_from_axes() {
        let colours = [("ffffffff", 900), ("808080ff", 60), ("1f6febff", 40), ("1f6feb00", 5)];
        let paint = Paint { colours: colours.map(|(rgba, count)| (rgba.to_owned(), count)).into() };
        assert_eq!((paint.ink(), paint.coloured()), (105, 40));
        assert_eq!(paint.main_hue(), Some("1f6febff"));
        assert_eq!((Paint::default().ink(), Paint::default().coloured()), (0, 0));
    }
}
