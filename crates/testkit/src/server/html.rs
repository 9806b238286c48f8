//! HTML output: one function to put text into a page, and one frame for all pages.

use vouchsafe_xml::escape_markup;

/// Returns a hidden form field.
pub(super) fn hidden(name: &str, value: &str) -> String {
    format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">", escape_markup(name), escape_markup(value))
}

/// Returns a page. `title` is text, `body` is HTML that was built with [`escape_markup`].
pub(super) fn page(title: &str, signed_in: Option<&str>, body: &str) -> String {
    let title = escape_markup(title);
    let who = signed_in.map_or_else(String::new, |name| {
        format!(
            "<form method=\"post\" action=\"/logout\"><span>{}</span> <button class=\"quiet\">Sign out</button></form>",
            escape_markup(name)
        )
    });
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{title}</title>\
         <style>{STYLE}</style></head><body><header><a class=\"brand\" href=\"/\">acme <small>test identity provider</small></a>\
         <nav><a href=\"/\">My Apps</a><a href=\"/admin\">Admin</a></nav>{who}</header>\
         <main><h1>{title}</h1>{body}</main></body></html>"
    )
}

const STYLE: &str = "\
:root{--ink:#1d2433;--soft:#5d6b82;--line:#dfe4ec;--paper:#f5f7fa;--accent:#2456c7}\
*{box-sizing:border-box}body{margin:0;font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper)}\
header{display:flex;gap:1.5rem;align-items:center;padding:.75rem 2rem;background:#fff;border-bottom:1px solid var(--line)}\
header nav{display:flex;gap:1rem;flex:1}a{color:var(--accent);text-decoration:none}a:hover{text-decoration:underline}\
.brand{font-weight:700;color:var(--ink)}small,.soft{color:var(--soft);font-weight:400;font-size:.85rem}\
main{max-width:64rem;margin:0 auto;padding:1.5rem 2rem 4rem}h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}\
.tiles{display:flex;flex-wrap:wrap;gap:1rem;padding:0;list-style:none}\
.tile{display:flex;flex-direction:column;align-items:center;justify-content:center;gap:.5rem;width:11rem;height:9rem;\
padding:1rem;text-align:center;background:#fff;border:1px solid var(--line);border-radius:.6rem;color:var(--ink);font:inherit;cursor:pointer}\
.tile:hover{border-color:var(--accent);box-shadow:0 2px 10px rgba(20,40,90,.12);text-decoration:none}\
.icon{display:grid;place-items:center;width:3rem;height:3rem;border-radius:.6rem;background:var(--accent);color:#fff;font-weight:700;font-size:1.3rem}\
table{border-collapse:collapse;width:100%;background:#fff;border:1px solid var(--line)}\
th,td{text-align:left;padding:.5rem .75rem;border-bottom:1px solid var(--line);vertical-align:top}th{font-weight:600;background:#fbfcfe}\
form{display:inline}input[type=text]{font:inherit;padding:.3rem .5rem;border:1px solid var(--line);border-radius:.3rem;min-width:16rem}\
button{font:inherit;padding:.3rem .8rem;border:1px solid var(--accent);border-radius:.3rem;background:var(--accent);color:#fff;cursor:pointer}\
button.quiet{background:#fff;color:var(--accent)}code{font-size:.85rem;overflow-wrap:anywhere}\
.rows form{display:inline-block;margin:.1rem .3rem .1rem 0}.rows input[type=text]{min-width:0;width:12rem}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_text_is_markup() {
        assert_eq!(
            escape_markup("<a href='x' title=\"y\">&"),
            "&lt;a href=&#39;x&#39; title=&quot;y&quot;&gt;&amp;"
        );
        assert!(page("<script>", Some("<b>"), "").find("<script>").is_none());
    }
}
