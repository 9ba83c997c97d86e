//! Notes on a graph: a bar on the time axis for each, with the range that it is about, and the way to the note's dialog.
use crate::data::feed::Feed;
use crate::data::notes::Note;
use crate::state::cursor::Pointer;
use crate::state::navigation::Navigation;
use crate::state::time_range::TimeRange;
use crate::ui::graph::context::PaintedProjection;
use crate::ui::kit::dialog::DialogHandle;
use crate::ui::kit::format_time as time;
use crate::ui::kit::html::escape_html;
use leptos::ev;
use leptos::prelude::*;
use plot::Projection;
use std::cell::Cell;
use wasm_bindgen::JsCast;
use web_sys::Element;

/// The dialog of notes, which an iframe has not: there is nothing to press then.
#[derive(Clone, Copy)]
pub(crate) struct NoteEditor {
    pub(crate) handle: DialogHandle,
    /// The note in the form, and how often it was another one.
    pub(crate) draft: StoredValue<Note>,
    pub(crate) draft_changes: RwSignal<usize>,
    navigation: Navigation,
    pointer: Pointer,
    feed: Feed,
}

thread_local! {
    static EDITOR: Cell<Option<NoteEditor>> = const { Cell::new(None) };
}

impl NoteEditor {
    /// The one of this page; none in an iframe. A context of its own type would cost more.
    pub(crate) fn current() -> Option<Self> {
        EDITOR.get()
    }

    /// Makes the closed dialog that of this page.
    pub(crate) fn provide(navigation: Navigation, pointer: Pointer, feed: Feed) {
        let (handle, draft, draft_changes) = (DialogHandle::new(), StoredValue::default(), RwSignal::new(0));
        EDITOR.set(Some(Self { handle, draft, draft_changes, navigation, pointer, feed }));
    }

    /// Begins a note: over the selected range, at the crosshair's time, or now.
    pub(crate) fn begin(self) {
        let moment = |time_ms| TimeRange::new(time_ms, time_ms);
        let range = match (self.pointer.selection.get_untracked(), self.pointer.cursor.get_untracked()) {
            (Some(own), _) => TimeRange::new(own.from_ms.min(own.to_ms), own.from_ms.max(own.to_ms)),
            (None, Some(cursor)) => moment(cursor.time_ms),
            (None, None) => moment(self.feed.now_ms()),
        };
        self.set_draft(self.navigation.view.with_untracked(|view| Note::about(range, &view.scope)));
    }

    /// Puts a note with an id into the form, if it is known.
    pub(crate) fn edit(self, id: &str) {
        let found = self.feed.with_notes_untracked(|notes| notes.iter().find(|note| note.id == id).cloned());
        if let Some(found) = found {
            self.set_draft(found);
        }
    }

    /// Puts a note into the form.
    fn set_draft(self, note: Note) {
        self.draft.set_value(note);
        self.draft_changes.update(|changes| *changes += 1);
    }

    /// Makes the note in the form a change of what somebody else has kept.
    pub(crate) fn rebase(self, theirs: Note) {
        self.draft.update_value(|draft| (draft.id, draft.revision) = (theirs.id, theirs.revision));
    }

    /// Opens the dialog with a new note.
    pub(crate) fn open(self) {
        if self.feed.has_notes.get_untracked() {
            self.begin();
            self.handle.open();
        }
    }
}

/// The notes on a graph. They are drawn as text, which costs the page less than components.
#[component]
pub(crate) fn NoteMarks(painted: PaintedProjection) -> impl IntoView {
    let (feed, editor) = (expect_context::<Feed>(), NoteEditor::current());
    let marks = move || {
        let Some(projection) = painted.get() else { return String::new() };
        let range = TimeRange::new(projection.start_ms, projection.end_ms);
        let mark = |note: &Note| if note.touches(range) { mark(note, &projection) } else { String::new() };
        feed.with_notes(|notes| notes.iter().map(mark).collect())
    };
    let press = move |event: ev::MouseEvent| {
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        let id = target.and_then(|target| target.closest("[data-note]").ok()??.get_attribute("data-note"));
        if let (Some(editor), Some(id)) = (editor, id) {
            editor.edit(&id);
            editor.handle.open();
        }
    };
    view! { <svg class="noted" inner_html=marks on:click=press></svg> }
}

/// The mark of a note: its range, and a bar on the time axis.
fn mark(note: &Note, projection: &Projection) -> String {
    let x = |time_ms| projection.x(time_ms).clamp(projection.left, projection.right);
    let (left, right) = (x(note.range.start_ms), x(note.range.end_ms));
    let (width, height) = (right - left, projection.bottom - projection.top);
    let (text, id, kind) = (escape_html(&note_text(note)), escape_html(&note.id), escape_html(&note.kind));
    format!(
        r#"<g data-note="{id}" data-kind="{kind}" role="img" aria-label="{text}"><title>{text}</title><path d="M{left:.1} {:.1}v{height:.1}h{width:.1}v-{height:.1}"/><rect x="{:.1}" y="{:.1}" width="{:.1}" height="6" rx="3"/></g>"#,
        projection.top,
        left - 3.0,
        projection.bottom - 3.0,
        width + 6.0,
    )
}

/// A note with its time.
pub(crate) fn note_text(note: &Note) -> String {
    let end = (note.range.length_ms() > 0).then(|| format!(" – {}", time::clock(note.range.end_ms)));
    format!("{} at {}{}", note.sentence(), time::clock(note.range.start_ms), end.unwrap_or_default())
}
