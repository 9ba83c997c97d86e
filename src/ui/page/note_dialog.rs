//! The dialog of notes: a form for one, and the list of those in the visible range.
//!
//! Its content is HTML as text that is filled in, with one handler for all buttons: components of as many fields add four
//! kilobytes to the page.
use crate::data::feed::Feed;
use crate::data::notes::{NotKept, Note};
use crate::state::range_parser::{format_field, parse_field};
use crate::state::time_range::TimeRange;
use crate::ui::graph::note_marks::{NoteEditor, note_text};
use crate::ui::kit::dialog::Dialog;
use crate::ui::kit::format_time as time;
use crate::ui::kit::html::{escape_html, find};
use crate::wasm_size::effect::effect;
use crate::wasm_size::spawn::spawn;
use js_sys::Reflect;
use leptos::ev;
use leptos::prelude::*;

/// What the dialog consists of.
const CONTENT: &str = r#"<form><div class="fields" data-testid="note-fields">
<label>From<input class="control" name="start" type="datetime-local" step="1" required></label>
<label>To<input class="control" name="end" type="datetime-local" step="1"></label>
<label class="whole">Text<textarea class="control" name="text" rows="2" maxlength="2000" autofocus data-testid="note-text"></textarea></label>
<label>Kind<select class="control" name="kind"><option>note<option>deploy<option>incident</select></label>
<label>Version, of a deploy<input class="control" name="version"></label>
<label>Link<input class="control" name="link" type="url"></label>
<p></p>
<button class="control" value="save" data-testid="note-save">Save</button>
<button class="control" value="delete" formnovalidate data-testid="note-delete">Delete</button>
</div><p class="problem" role="alert" data-testid="note-problem"></p><div class="list" data-testid="note-list"></div></form>"#;

/// The dialog.
#[component]
pub(crate) fn NoteDialog(editor: NoteEditor) -> impl IntoView {
    view! {
        <Dialog handle=editor.handle id="note" title="Notes">
            <Panel editor />
        </Dialog>
    }
}

#[component]
fn Panel(editor: NoteEditor) -> impl IntoView {
    let feed = expect_context::<Feed>();
    let mut content = CONTENT.to_owned();
    if let Some(backend) = feed.backend() {
        let base = escape_html(&backend.base);
        content +=
            &format!(r#"<a href="{base}/api/v1/inferboard/notes" download="notes.json">Download all as JSON</a>"#);
        spawn(async move {
            if let Err(reason) = backend.write_key().await {
                report(&escape_html(&reason));
                if let Some(fields) = find(".note .fields") {
                    fields.set_hidden(true);
                }
            }
        });
    }
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        let action = event.submitter().and_then(|button| button.get_attribute("value")).unwrap_or_default();
        match action.as_str() {
            "save" | "delete" => match read(editor.draft.get_value()) {
                Some(note) => spawn(write(editor, feed, note, action == "delete")),
                None => report("Enter when it begins."),
            },
            other => {
                report("");
                if other.is_empty() { editor.begin() } else { editor.edit(other) }
            }
        }
    };
    effect(move || {
        editor.draft_changes.track();
        editor.draft.with_value(fill);
    });
    // A refresh that changes nothing must not take the focus away.
    let list = Memo::new(move |_| {
        let range = feed.range.get();
        feed.with_notes(|notes| list(notes, range))
    });
    effect(move || set_html(".note .list", &list.get()));
    view! { <div on:submit=submit inner_html=content></div> }
}

/// Keeps or deletes a note, and closes the dialog if that is done.
async fn write(editor: NoteEditor, feed: Feed, note: Note, is_deleted: bool) {
    match feed.write_note(&note, is_deleted).await {
        Ok(()) => editor.handle.close(),
        Err(NotKept::Refused(reason)) => report(&escape_html(&reason)),
        Err(NotKept::Changed(theirs)) => {
            // Whoever has been told of another's change replaces it.
            let theirs = Note::from_json(&theirs);
            let what = if theirs.id.is_empty() { "deleted this note".into() } else { changed_text(&theirs) };
            report(&format!(
                "Somebody else has {what}. Saving again keeps yours. {}",
                button("Take theirs", &theirs.id)
            ));
            editor.rebase(theirs);
        }
    }
}

fn changed_text(theirs: &Note) -> String {
    format!("changed this note to “{}”", escape_html(&theirs.sentence()))
}

/// Says in the dialog what is wrong, as HTML.
fn report(html: &str) {
    set_html(".note .problem", html);
}

fn set_html(css: &str, html: &str) {
    if let Some(element) = find(css) {
        element.set_inner_html(html);
    }
}

/// A button that puts the note with an id into the form, or a new one if the id is empty.
fn button(text: &str, id: &str) -> String {
    let id = escape_html(id);
    format!(r#"<button class="control" value="{id}" formnovalidate>{text}</button> "#)
}

/// The field of a name.
fn input(name: &str) -> Option<web_sys::HtmlElement> {
    find(&format!(".note [name={name}]"))
}

/// Fills in the fields of a note.
fn fill(note: &Note) {
    let end = if note.range.length_ms() > 0 { field(note.range.end_ms) } else { String::new() };
    let kind = if note.kind.is_empty() { "note" } else { &note.kind };
    let start = field(note.range.start_ms);
    for (name, value) in [
        ("start", start.as_str()),
        ("end", &end),
        ("kind", kind),
        ("version", &note.version),
        ("text", &note.text),
        ("link", &note.link),
    ] {
        if let Some(input) = input(name) {
            // This fails for frozen objects only.
            let _ = Reflect::set(&input, &"value".into(), &value.into());
        }
    }
    let about: Vec<&str> = note.scope.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    let about = if about.is_empty() { "everything".to_owned() } else { about.join(" › ") };
    set_html(".note .fields p", &format!("About {}", escape_html(&about)));
    if let Some(delete) = find(".note [value=delete]") {
        delete.set_hidden(note.id.is_empty());
    }
}

/// A time as a date field has it, with seconds.
fn field(time_ms: i64) -> String {
    format!("{}:{:02}", format_field(time_ms, &|at_ms| untrack(|| time::offset_ms(at_ms))), time_ms / 1000 % 60)
}

/// `note` with the content of the fields; none without a beginning.
fn read(mut note: Note) -> Option<Note> {
    let text = |name: &str| {
        let value = input(name).and_then(|input| Reflect::get(&input, &"value".into()).ok()?.as_string());
        value.unwrap_or_default().trim().to_owned()
    };
    let time = |name: &str| parse_field(&text(name), &|at_ms| untrack(|| time::offset_ms(at_ms)));
    let start_ms = time("start")?;
    note.range = TimeRange::new(start_ms, time("end").unwrap_or(start_ms));
    [note.kind, note.version, note.text, note.link] = ["kind", "version", "text", "link"].map(text);
    Some(note)
}

/// The list of the notes of a range, with its buttons.
fn list(notes: &[Note], range: TimeRange) -> String {
    let mut html = "<ul>".to_owned();
    for note in notes.iter().filter(|note| note.touches(range)) {
        html.push_str(&format!("<li><span>{} ", escape_html(&note_text(note))));
        if note.link.starts_with("http") {
            let link = escape_html(&note.link);
            html.push_str(&format!(r#"<a href="{link}" target="_blank" rel="noreferrer">link</a>"#));
        }
        html.push_str(&format!("</span>{}</li>", button("Edit", &note.id)));
    }
    html + "</ul>" + &button("New note", "")
}
