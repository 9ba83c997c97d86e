//! Asks for the notes of the visible range, and writes them.
use crate::data::feed::Feed;
use crate::data::notes::{NotKept, Note, SCOPE, parts};
use crate::data::round::Round;
use gloo_net::http::Method;
use leptos::prelude::*;
use prometheus_api::format_time;

const NOTES: &str = "notes";

/// Notes are asked for from the beginning of a day on, so that the address of the request seldom changes, and unchanged notes
/// are not sent again.
const DAY_MS: i64 = 86_400_000;

impl Feed {
    /// Asks for the notes of the visible range and the scope. Without an answer, those that are known stay.
    pub(crate) async fn refresh_notes(self, round: &Round) {
        if !self.has_notes.get_untracked() {
            return;
        }
        let start_ms = round.range.start_ms.div_euclid(DAY_MS) * DAY_MS;
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("start", &format_time(start_ms));
        query.extend_pairs(SCOPE.into_iter().zip(self.view.with_untracked(|view| parts(&view.scope))));
        let path = format!("{NOTES}?{}", query.finish());
        let Ok((_, answer)) = round.backend.kept(Method::GET, &path, None, &[]).await else { return };
        let list = answer.get("data").and_then(|data| data.get(NOTES)?.as_array());
        if let Some(list) = list.filter(|_| self.is_current(round)) {
            self.set_notes(list.iter().map(Note::from_json).collect());
        }
    }

    /// Keeps a note, or deletes it.
    pub(crate) async fn write_note(self, note: &Note, is_deleted: bool) -> Result<(), NotKept> {
        let Some(backend) = self.backend() else { return Err(NotKept::Refused(String::new())) };
        let path = format!("{NOTES}/{}", note.id);
        let (method, path) = match () {
            () if is_deleted => (Method::DELETE, path.as_str()),
            () if note.id.is_empty() => (Method::POST, NOTES),
            () => (Method::PUT, path.as_str()),
        };
        let body = (!is_deleted).then(|| note.to_json());
        let result = backend.write(method, path, body, note.revision).await;
        // A refresh may have begun meanwhile.
        if let Some(round) = self.round() {
            self.refresh_notes(&round).await;
        }
        result.map(drop)
    }
}
