//! The wire to the parent: messages of known origins in, messages to known origins out.
use crate::embed::protocol::{Incoming, LONGEST_BYTES, Outgoing, read, write};
use crate::state::embed::Embed;
use crate::state::navigation::Navigation;
use crate::state::view::{Range, View};
use crate::wasm_size::effect::effect;
use js_sys::{Array, JSON, Reflect};
use leptos::prelude::*;
use leptos::{ev, html};
use std::time::Duration;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};

/// Heights are told at most ten times a second.
const HEIGHT_PAUSE: Duration = Duration::from_millis(100);

/// A frame's wire to its parent.
#[derive(Clone, Copy)]
pub struct Channel {
    navigation: Navigation,
    told: StoredValue<Told>,
}

/// What the parent knows already.
#[derive(Clone, Copy)]
struct Told {
    range: Range,
    height_px: u32,
    /// Whether a height was told just now, and the next one waits.
    is_resting: bool,
    /// Whether it was said that a message was none.
    has_hint: bool,
}

impl Channel {
    /// Listens to the parent, tells it that it does, and from then on which range is chosen here and how high `content`
    /// is. Nothing of it where the page is in no frame, or the link names no parent.
    pub fn open(navigation: Navigation, content: NodeRef<html::Main>) {
        let View { embed: frame, range, .. } = navigation.view.get_untracked();
        let Some(Embed { content: shown, parents, .. }) = frame else { return };
        if parents.is_empty() || parent().is_none() {
            return;
        }
        let told = Told { range, height_px: 0, is_resting: false, has_hint: false };
        let channel = Self { navigation, told: StoredValue::new(told) };
        let listener = window_event_listener(ev::message, move |event| channel.hear(&event));
        on_cleanup(move || listener.remove());
        channel.tell(&Outgoing::Ready(shown.id()));
        effect(move || {
            let range = navigation.view.with(|view| view.range);
            if channel.told.get_value().range != range {
                channel.told.update_value(|told| told.range = range);
                channel.tell(&Outgoing::RangeSelected(range));
            }
        });
        channel.watch_height(content);
    }

    fn hear(self, event: &web_sys::MessageEvent) {
        let is_parent = event.source().is_some_and(|source| Some(JsValue::from(source)) == parent().map(JsValue::from));
        let is_known = self.frame(|frame| frame.parents.contains(&event.origin()));
        if !is_parent || is_known != Some(true) {
            return;
        }
        // What cannot be written as JSON, or only at length, is no message.
        let text = JSON::stringify(&event.data()).ok().filter(|text| text.length() as usize <= LONGEST_BYTES);
        match text.and_then(|text| read(&text.as_string()?)) {
            Some(message) => self.obey(message),
            None if !self.told.get_value().has_hint => {
                self.told.update_value(|told| told.has_hint = true);
                leptos::logging::warn!("Inferboard takes the messages described in docs/embedding.md, and no others");
            }
            None => {}
        }
    }

    fn obey(self, message: Incoming) {
        match message {
            Incoming::Range(range) => {
                self.told.update_value(|told| told.range = range);
                self.navigation.adjust(|view| view.range = range);
            }
            Incoming::Scope(scope) => self.navigation.adjust(|view| view.scope = scope),
            Incoming::Theme(theme) => self.navigation.adjust(|view| {
                if let Some(frame) = &mut view.embed {
                    frame.theme = theme;
                }
            }),
        }
    }

    /// Sends a message to the parent if its origin is a known one. Where the browser does not tell its origin, it is
    /// sent to each of them, and the browser delivers it to that one only.
    fn tell(self, message: &Outgoing) {
        let Ok(message) = JSON::parse(&write(message)) else { return };
        let actual = parent_origin();
        let parents = self.frame(|frame| frame.parents.clone()).unwrap_or_default();
        for origin in parents.iter().filter(|origin| actual.as_ref().is_none_or(|actual| actual == *origin)) {
            if let Some(parent) = parent() {
                let _ = parent.post_message(&message, origin);
            }
        }
    }

    fn watch_height(self, content: NodeRef<html::Main>) {
        let callback = Closure::<dyn Fn(Array)>::new(move |_| {
            if !self.told.get_value().is_resting {
                self.told.update_value(|told| told.is_resting = true);
                set_timeout(
                    move || {
                        self.told.update_value(|told| told.is_resting = false);
                        self.tell_height(content);
                    },
                    HEIGHT_PAUSE,
                );
            }
        });
        let Ok(observer) = web_sys::ResizeObserver::new(callback.as_ref().unchecked_ref()) else { return };
        let watcher = StoredValue::new_local((observer, callback));
        effect(move || {
            if let Some(content) = content.get() {
                watcher.with_value(|(observer, _)| observer.observe(&content));
            }
        });
        on_cleanup(move || watcher.with_value(|(observer, _)| observer.disconnect()));
    }

    fn tell_height(self, content: NodeRef<html::Main>) {
        let height_px = content.get_untracked().map_or(0, |content| content.offset_height()).unsigned_abs();
        if height_px != self.told.get_value().height_px {
            self.told.update_value(|told| told.height_px = height_px);
            self.tell(&Outgoing::Height(height_px));
        }
    }

    fn frame<T>(self, read: impl Fn(&Embed) -> T) -> Option<T> {
        self.navigation.view.with_untracked(|view| view.embed.as_ref().map(read))
    }
}

/// The window around this one, if there is one.
fn parent() -> Option<web_sys::Window> {
    let own = window();
    own.parent().ok().flatten().filter(|parent| *parent != own)
}

/// The parent's origin, where the browser tells it.
fn parent_origin() -> Option<String> {
    let ancestors = Reflect::get(&window().location(), &"ancestorOrigins".into()).ok()?;
    Reflect::get(&ancestors, &0.into()).ok()?.as_string()
}
