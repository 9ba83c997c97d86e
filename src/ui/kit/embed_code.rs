//! The HTML that embeds a card in another page.
use crate::state::embed::{Embed, EmbedContent};
use crate::state::url::encode;
use crate::state::view::View;
use crate::ui::kit::html::escape_html;
use catalogue::Graph;
use leptos::prelude::window;

/// The iframe that shows one card of `view`. `page_address` is the address of this page without its query. The sandbox
/// allows scripts only: the card can neither navigate the other page nor use the viewer's session.
pub(crate) fn embed_code(page_address: &str, graph: &Graph, view: &View) -> String {
    let content = EmbedContent::Graph(graph.id.into());
    let embed = Some(Embed { content, theme: None, parents: Vec::new() });
    let source = escape_html(&format!(
        "{page_address}?{}",
        encode(&View { embed, section: None, card_options: view.card_options.only(graph), ..view.clone() })
    ));
    let title = escape_html(graph.title);
    format!(
        r#"<iframe src="{source}" title="{title}" width="640" height="360" sandbox="allow-scripts" loading="lazy" style="border: 0"></iframe>"#
    )
}

/// The address of this page without its query.
pub(crate) fn page_address() -> String {
    let location = window().location();
    let host = location.host().unwrap_or_default();
    let protocol = location.protocol().unwrap_or_default();
    format!("{protocol}//{host}{}", location.pathname().unwrap_or_default())
}

/// What to say when an embed code has been copied, given who may embed the page: elsewhere a browser shows nothing, and no
/// word of why. Empty if any page that is listed may.
pub(crate) fn embed_remark(frame_ancestors: Option<&[String]>) -> &'static str {
    match frame_ancestors {
        Some([]) => "Copied, but no page may show it: list its origin in frame_ancestors.",
        Some([own]) if own == "'self'" => {
            "Copied. Only pages at this address may show it: list others in frame_ancestors."
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::view::Range;
    use catalogue::Scope;

    #[test]
    fn embed_code_stays_inside_its_attributes() {
        let graph = catalogue::graph("cpu").expect("a graph");
        let scope = Scope { model: Some("\"><script>".into()), ..Scope::default() };
        let view = View { scope, range: Range::Last(3_600_000), ..View::default() };
        let code = embed_code("http://h/\"", graph, &view);
        let source = "http://h/&quot;?embed=cpu&amp;model=%22%3E%3Cscript%3E&amp;from=now-1h&amp;v=2";
        assert!(code.starts_with(&format!("<iframe src=\"{source}\" title=\"")), "{code}");
        assert_eq!(code.matches('<').count(), 2, "{code}");
        let embedded =
            View { embed: Some(Embed { content: EmbedContent::All, theme: None, parents: Vec::new() }), ..view };
        assert_eq!(embed_code("http://h/\"", graph, &embedded), code, "the code is the same inside an iframe");
    }
    #[test]
    fn a_code_that_nobody_may_use_comes_with_a_warning() {
        let remark =
            |ancestors: &[&str]| embed_remark(Some(&ancestors.iter().map(|&own| own.to_owned()).collect::<Vec<_>>()));
        assert!(remark(&[]).contains("no page") && remark(&["'self'"]).contains("frame_ancestors"));
        assert_eq!((remark(&["'self'", "https://wiki.example"]), embed_remark(None)), ("", ""));
    }
}
