//! The layout of a model that the companion keeps for everyone.
use crate::data::feed::Feed;
use crate::data::notes::{NotKept, revision};
use crate::state::layout::Layout;
use crate::state::layout::storage::SharedLayout;
use gloo_net::http::Method;
use serde_json::Value;

fn path(model: &str) -> String {
    let mut path = form_urlencoded::Serializer::new("layouts?".to_owned());
    path.append_pair("model", model).finish()
}

/// The layout of an answer.
pub(crate) fn shared_layout(answer: &Value) -> SharedLayout {
    SharedLayout { layout: answer.get("layout").and_then(Layout::from_json), revision: revision(answer) }
}

impl Feed {
    /// Asks for the layout of a model; none without an answer.
    pub(crate) async fn fetch_layout(self, model: &str) -> Option<SharedLayout> {
        let (_, answer) = self.backend()?.kept(Method::GET, &path(model), None, &[]).await.ok()?;
        answer.get("data").map(shared_layout)
    }

    /// Keeps a layout for everyone, in place of the one with a revision.
    ///
    /// # Errors
    /// As [`NotKept`] says.
    pub(crate) async fn write_layout(
        self,
        model: &str,
        layout: &Layout,
        revision: u64,
    ) -> Result<SharedLayout, NotKept> {
        let Some(backend) = self.backend() else { return Err(NotKept::Refused(String::new())) };
        let body = format!("{{\"layout\":{}}}", layout.to_text());
        let kept = backend.write(Method::PUT, &path(model), Some(body), revision).await?;
        Ok(shared_layout(&kept))
    }
}
