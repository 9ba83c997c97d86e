//! The channel to the parent page: receives messages from known origins, and sends messages to them.
use crate::embed::protocol::{Incoming, MAX_BYTES, Outgoing, format, parse};
use crate::state::embed::Embed;
use crate::state::navigation::Navigation;
use crate::state::view::{Range, View};
use crate::wasm_size::effect::effect;
use js_sys::{JSON, Reflect};
use leptos::prelude::*;
use leptos::{ev, html};
use std::time::Duration;
use wasm_bindgen::JsValue;

/// The minimum time between two messages with the height.
const HEIGHT_INTERVAL: Duration = Duration::from_millis(100);

/// The channel of an embed to its parent.
#[derive(Clone, Copy)]
pub struct Channel {
    navigation: Navigation,
    sent: StoredValue<Sent>,
}

/// What the parent knows.
#[derive(Clone, Copy)]
struct Sent {
    range: Range,
    height_px: u32,
    /// Whether a message with the height is scheduled.
    is_height_scheduled: bool,
    /// Whether the console has a warning about an invalid message.
    has_warned: bool,
}

impl Channel {
    /// Listens to the parent and sends it `ready`, then every range that is selected here; none if the page is in no
    /// iframe or the link names no parent.
    pub fn open(navigation: Navigation) -> Option<Self> {
        let View { embed, range, .. } = navigation.view.get_untracked();
        let Embed { content, parents, .. } = embed?;
        if parents.is_empty() || parent().is_none() {
            return None;
        }
        let sent = Sent { range, height_px: 0, is_height_scheduled: false, has_warned: false };
        let channel = Self { navigation, sent: StoredValue::new(sent) };
        let listener = window_event_listener(ev::message, move |event| channel.receive(&event));
        on_cleanup(move || listener.remove());
        channel.send(&Outgoing::Ready(content.id()));
        effect(move || {
            let range = navigation.view.with(|view| view.range);
            if channel.sent.get_value().range != range {
                channel.sent.update_value(|sent| sent.range = range);
                channel.send(&Outgoing::RangeSelected(range));
            }
        });
        Some(channel)
    }

    fn receive(self, event: &web_sys::MessageEvent) {
        let is_parent = event.source().is_some_and(|source| Some(JsValue::from(source)) == parent().map(JsValue::from));
        let is_known = self.embed(|embed| embed.parents.contains(&event.origin()));
        if !is_parent || is_known != Some(true) {
            return;
        }
        // What has no JSON form, or a long one, is no message.
        let text = JSON::stringify(&event.data()).ok().filter(|text| text.length() as usize <= MAX_BYTES);
        match text.and_then(|text| parse(&text.as_string()?)) {
            Some(message) => self.apply(message),
            None if !self.sent.get_value().has_warned => {
                self.sent.update_value(|sent| sent.has_warned = true);
                leptos::logging::warn!("Inferboard accepts only the messages described in docs/embedding.md");
            }
            None => {}
        }
    }

    fn apply(self, message: Incoming) {
        match message {
            Incoming::Range(range) => {
                self.sent.update_value(|sent| sent.range = range);
                self.navigation.adjust(|view| view.range = range);
            }
            Incoming::Scope(scope) => self.navigation.adjust(|view| view.scope = scope),
            Incoming::Theme(theme) => self.navigation.adjust(|view| {
                if let Some(embed) = &mut view.embed {
                    embed.theme = theme;
                }
            }),
        }
    }

    /// Sends a message to the parent if its origin is known. If the browser does not reveal the origin, the message is
    /// sent to each known one, and the browser delivers it to the parent's only.
    fn send(self, message: &Outgoing) {
        let Ok(message) = JSON::parse(&format(message)) else { return };
        let actual = parent_origin();
        let parents = self.embed(|embed| embed.parents.clone()).unwrap_or_default();
        for origin in parents.iter().filter(|origin| actual.as_ref().is_none_or(|actual| actual == *origin)) {
            if let Some(parent) = parent() {
                let _ = parent.post_message(&message, origin);
            }
        }
    }

    /// Sends the height of `content` within [`HEIGHT_INTERVAL`], if it has changed.
    pub fn schedule_height(self, content: NodeRef<html::Main>) {
        if self.sent.get_value().is_height_scheduled {
            return;
        }
        self.sent.update_value(|sent| sent.is_height_scheduled = true);
        let send = move || {
            self.sent.update_value(|sent| sent.is_height_scheduled = false);
            self.send_height(content);
        };
        set_timeout(send, HEIGHT_INTERVAL);
    }

    fn send_height(self, content: NodeRef<html::Main>) {
        let height_px = content.get_untracked().map_or(0, |content| content.offset_height()).unsigned_abs();
        if height_px != self.sent.get_value().height_px {
            self.sent.update_value(|sent| sent.height_px = height_px);
            self.send(&Outgoing::Height(height_px));
        }
    }

    fn embed<T>(self, read: impl Fn(&Embed) -> T) -> Option<T> {
        self.navigation.view.with_untracked(|view| view.embed.as_ref().map(read))
    }
}

/// The parent window, if there is one.
fn parent() -> Option<web_sys::Window> {
    let own = window();
    own.parent().ok().flatten().filter(|parent| *parent != own)
}

/// The parent's origin, if the browser reveals it.
fn parent_origin() -> Option<String> {
    let ancestors = Reflect::get(&window().location(), &"ancestorOrigins".into()).ok()?;
    Reflect::get(&ancestors, &0.into()).ok()?.as_string()
}
