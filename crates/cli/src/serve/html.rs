//! Writes HTML: one function to put text into a page, and one frame for every page.

use vouchsafe::xml::{Escaped, escape_markup};

/// Escapes text for an element or a quoted attribute. Invisible characters are escaped as everywhere in this command,
/// and nothing in it is markup.
pub(crate) fn text(text: &str) -> String {
    escape_markup(&Escaped::new(text).to_string())
}

/// The name and the promise in the frame of a page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site {
    pub(crate) name: &'static str,
    pub(crate) promise: &'static str,
}

const SERVE: Site =
    Site { name: "vouchsafe serve", promise: "A test service provider. Nobody gets in anywhere." };

/// Makes a page of `serve`. `title` is text, and `body` is HTML whose text was escaped with [`text`].
pub(crate) fn page(home: &str, title: &str, body: &str) -> String {
    page_of(SERVE, home, title, body)
}

/// Makes a page with the frame of a site.
pub(crate) fn page_of(site: Site, home: &str, title: &str, body: &str) -> String {
    let (home, title) = (text(home), text(title));
    let (name, promise) = (text(site.name), text(site.promise));
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\">\
         <title>{title}</title><style>{STYLE}</style></head><body>\
         <header><a href=\"{home}\">{name}</a> <small>{promise}</small></header>\
         <main><h1>{title}</h1>{body}</main></body></html>"
    )
}

/// Makes a list of names and values. The values are HTML.
pub(crate) fn definitions(rows: &[(&str, String)]) -> String {
    let rows: String =
        rows.iter().map(|(name, value)| format!("<dt>{}</dt><dd>{value}</dd>", text(name))).collect();
    format!("<dl>{rows}</dl>")
}

/// Shows text as code.
pub(crate) fn code(value: &str) -> String {
    format!("<code>{}</code>", text(value))
}

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1c2430;--soft:#56637a;--line:#d9dfe8;--paper:#f4f6f9;--card:#fff;--accent:#2050b8;--good:#176c37;--bad:#b3261e}\
@media(prefers-color-scheme:dark){:root{--ink:#e4e8ef;--soft:#a0abbd;--line:#38424f;--paper:#14181e;--card:#1c222b;--accent:#8db2ff;--good:#6fd08c;--bad:#ff938a}}\
*{box-sizing:border-box}body{margin:0;font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);overflow-wrap:anywhere}\
header{padding:.8rem 1rem;border-bottom:1px solid var(--line);background:var(--card)}header a{font-weight:700;color:var(--ink);text-decoration:none}\
small,.soft{color:var(--soft);font-size:.875rem}main{max-width:64rem;margin:0 auto;padding:1rem}h1{font-size:1.5rem;margin:.5rem 0}h2,h3{font-size:1.1rem;margin:0 0 .5rem}h3{margin-top:1rem}\
a{color:var(--accent)}code{font-size:.875rem}.good{color:var(--good);font-weight:700}.bad{color:var(--bad);font-weight:700}\
section,.event{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:1rem;margin:1rem 0}.event{padding:0}\
.event>div{padding:0 1rem 1rem}summary{cursor:pointer;padding:.7rem 1rem}section summary{padding:.2rem 0}section>:last-child{margin-bottom:0}\
dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.3rem 1rem;margin:0}dt{color:var(--soft)}dd{margin:0}\
ul{margin:.3rem 0;padding-left:1.2rem}p{margin:.5rem 0}table{border-collapse:collapse;width:100%;font-size:.875rem;margin:.5rem 0}\
th,td{text-align:left;vertical-align:top;padding:.35rem .5rem;border-top:1px solid var(--line)}thead th{color:var(--soft);font-weight:600;border-top:0}\
tbody th{font-weight:400}.outcome,thead th{white-space:nowrap}@media(min-width:42.01rem){tbody th code{white-space:nowrap}td{min-width:6.5rem}}button{font:inherit;padding:.35rem .9rem;border:1px solid var(--accent);border-radius:.35rem;background:none;color:var(--accent);cursor:pointer}\
a:focus-visible,button:focus-visible,summary:focus-visible{outline:2px solid var(--accent);outline-offset:2px}\
@media(max-width:42rem){dl{grid-template-columns:minmax(0,1fr);gap:0}dd{margin-bottom:.5rem}thead{display:none}table,tbody,tr,tbody th,td{display:block}\
tr{border-top:1px solid var(--line);padding:.4rem 0}tbody th,td{border:0;padding:.05rem 0}td:empty{display:none}td[data-name]::before{content:attr(data-name) \" \";color:var(--soft)}}\
textarea{width:100%;min-height:9rem;font:.875rem/1.4 ui-monospace,monospace;padding:.6rem;border:1px solid var(--line);border-radius:.35rem;background:var(--paper);color:var(--ink)}\
label{display:block;font-weight:600;margin:.3rem 0}.drop{border:2px dashed var(--line);border-radius:.5rem;padding:1.2rem;margin:.6rem 0;text-align:center}.drop.over{border-color:var(--accent)}\
pre{white-space:pre-wrap;overflow-wrap:anywhere;font:.8125rem/1.5 ui-monospace,monospace;margin:0;max-height:60rem;overflow:auto}mark{background:#ffd9a8;color:#3b1d00;border-radius:.2rem;padding:0 .1rem}\
.pair{display:grid;gap:1rem}.pair>div{min-width:0}.pair ul{list-style:none;padding:0}.pair li{padding:.5rem 0;border-top:1px solid var(--line)}main:has(.pair){max-width:90rem}\
@media(min-width:60rem){.pair{grid-template-columns:minmax(0,2fr) minmax(0,3fr)}}textarea:focus-visible,input:focus-visible{outline:2px solid var(--accent);outline-offset:2px}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_text_is_markup_or_invisible() {
        assert_eq!(text("<a href='x' title=\"y\">&"), "&lt;a href=&#39;x&#39; title=&quot;y&quot;&gt;&amp;");
        assert_eq!(text("a\u{1b}[2J\n\u{202e}b"), "a\\u{1b}[2J\\n\\u{202e}b");
        assert!(!page("\"><b>", "<script>", "").contains("<script>"));
        assert!(!page("\"><b>", "<script>", "").contains("<b>"));
    }
}
