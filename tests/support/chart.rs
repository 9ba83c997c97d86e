//! Charts in the browser: the pixels of a canvas, and drags and touches on it.
use crate::{Browser, FixtureError, Result};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use thirtyfour::WebElement;

/// Counts a canvas's pixels by colour. A canvas that was never painted has only `00000000`.
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

/// Scrolls to an element and returns its position in the window, in CSS pixels.
const POSITION: &str = "
    arguments[0].scrollIntoView({ block: 'center', behavior: 'instant' });
    const box = arguments[0].getBoundingClientRect();
    return [box.x, box.y, box.width, box.height];";

/// The pixels of a canvas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paint {
    /// Pixels by colour, as `rrggbbaa` in lower-case hexadecimal.
    pub colours: BTreeMap<String, u64>,
}

impl Paint {
    /// The number of pixels that do not have the most frequent colour, which is the background.
    pub fn ink(&self) -> u64 {
        let background = self.colours.values().max().copied().unwrap_or(0);
        self.colours.values().sum::<u64>() - background
    }

    /// The number of pixels that are not grey: lines and bars, as opposed to axes, grid and text.
    pub fn coloured(&self) -> u64 {
        self.hues().map(|(_, count)| count).sum()
    }

    /// The most frequent colour that is not grey.
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
    /// Reads the pixels of `canvas`, a canvas element.
    ///
    /// # Errors
    /// When the pixels cannot be read.
    pub async fn paint(&self, canvas: &WebElement) -> Result<Paint> {
        let counts = self.evaluate(COUNT_COLOURS, vec![canvas.to_json()?]).await?;
        let pair = |entry: &Value| Some((entry.get(0)?.as_str()?.to_owned(), entry.get(1)?.as_u64()?));
        Ok(Paint { colours: counts.as_array().into_iter().flatten().filter_map(pair).collect() })
    }

    /// Scrolls `element` into the middle of the window; its left, top, width and height there, in CSS pixels.
    ///
    /// # Errors
    /// When the element is not on the page.
    pub async fn place(&self, element: &WebElement) -> Result<[f64; 4]> {
        let position = self.evaluate(POSITION, vec![element.to_json()?]).await?;
        serde_json::from_value(position)
            .map_err(|error| FixtureError::Page(format!("an element has no position: {error}")))
    }

    /// Moves fingers on a touch screen, each along its own points in CSS pixels of the window. All fingers touch down
    /// together at their first points, and stay down at their last ones.
    ///
    /// # Errors
    /// When the browser refuses.
    pub async fn touch(&self, fingers: &[&[(f64, f64)]]) -> Result<()> {
        let steps = fingers.iter().map(|path| path.len()).max().unwrap_or(0);
        for step in 0..steps {
            let touch_point = |(id, path): (usize, &&[(f64, f64)])| {
                let (x, y) = path.get(step).or(path.last()).copied()?;
                Some(json!({ "x": x, "y": y, "id": id }))
            };
            let points: Vec<Value> = fingers.iter().enumerate().filter_map(touch_point).collect();
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

    /// Drags the pointer across `element` at half its height; `from` and `to` are fractions of its width.
    ///
    /// # Errors
    /// When the element is not on the page.
    pub async fn drag(&self, element: &WebElement, from: f64, to: f64) -> Result<()> {
        let [left, top, width, height] = self.place(element).await?;
        let x = |fraction: f64| (left + width * fraction).round() as i64;
        let y = (top + height / 2.0).round() as i64;
        let drag = self.driver().action_chain().move_to(x(from), y).click_and_hold();
        // A real drag passes points in between, and handlers may distinguish it from a click by them.
        let drag = drag.move_to(x(from + (to - from) / 3.0), y).move_to(x(from + (to - from) / 1.5), y);
        Ok(drag.move_to(x(to), y).release().perform().await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ink_excludes_the_background_and_coloured_excludes_grey() {
        let colours = [("ffffffff", 900), ("808080ff", 60), ("1f6febff", 40), ("1f6feb00", 5)];
        let paint = Paint { colours: colours.map(|(rgba, count)| (rgba.to_owned(), count)).into() };
        assert_eq!((paint.ink(), paint.coloured()), (105, 40));
        assert_eq!(paint.main_hue(), Some("1f6febff"));
        assert_eq!((Paint::default().ink(), Paint::default().coloured()), (0, 0));
    }
}
