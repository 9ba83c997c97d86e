//! Takes the place of the crate `wasm-streams` in the page, which never streams a body.
//!
//! leptos needs that crate for server functions, of which the page has none. Its classes are exported to JavaScript, so that
//! the linker keeps them and the code behind them. Only what `server_fn` names is here.
use futures::Stream;
use std::pin::Pin;
use std::task::{Context, Poll};
use wasm_bindgen::{JsCast, JsValue};

/// A body as a stream, which fails when it is read and is empty when it is sent.
#[derive(Debug)]
pub struct ReadableStream(web_sys::ReadableStream);

impl ReadableStream {
    /// A body that was received.
    pub fn from_raw(raw: web_sys::ReadableStream) -> Self {
        Self(raw)
    }

    /// A body to send. Nothing of `_stream` is sent.
    pub fn from_stream(_stream: impl Stream<Item = Result<JsValue, JsValue>> + 'static) -> Self {
        Self(JsValue::UNDEFINED.unchecked_into())
    }

    /// The body for a request.
    pub fn into_raw(self) -> web_sys::ReadableStream {
        self.0
    }

    /// The pieces of the body: one error.
    pub fn into_stream(self) -> Failing {
        Failing(false)
    }
}

/// A stream of one error.
#[derive(Debug)]
pub struct Failing(bool);

impl Stream for Failing {
    type Item = Result<JsValue, JsValue>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let has_failed = std::mem::replace(&mut self.0, true);
        Poll::Ready((!has_failed).then(|| Err(JsValue::from_str("bodies are not streamed in this page"))))
    }
}
