//! The look of this crate's pages: the application's name and colours, and the style.

use vouchsafe::xml::escape_markup;

/// The application's name and colours.
#[derive(Clone)]
pub(crate) struct PageLook {
    name: String,
    accent: String,
    background: String,
}

impl PageLook {
    /// Makes the look with this name and the default colours. Without a name, the pages show none.
    pub(crate) fn new(name: &str) -> PageLook {
        PageLook { name: name.to_owned(), accent: "#2f5bd8".to_owned(), background: "#ffffff".to_owned() }
    }

    /// Sets the colours of the link and of the page. What is not `#` and 3 to 8 hexadecimal digits is ignored.
    pub(crate) fn colors(self, accent: &str, background: &str) -> PageLook {
        let chosen = |wanted: &str, otherwise: String| {
            let is_color = wanted.strip_prefix('#').is_some_and(|digits| {
                (3..=8).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
            });
            if is_color { wanted.to_owned() } else { otherwise }
        };
        PageLook {
            name: self.name,
            accent: chosen(accent, self.accent),
            background: chosen(background, self.background),
        }
    }

    /// Returns the same colours with another name.
    pub(crate) fn named(self, name: &str) -> PageLook {
        PageLook { name: name.to_owned(), ..self }
    }

    /// Makes a page. The title and the content are HTML.
    pub(crate) fn page(&self, title: &str, content: &str) -> String {
        let PageLook { name, accent, background } = self;
        let heading = match name.is_empty() {
            true => String::new(),
            false => format!("<p class=\"name\">{}</p>", escape_markup(name)),
        };
        format!(
            "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
             <meta name=\"viewport\" content=\"width=device-width\">\
             <style>:root{{--accent:{accent};--back:{background}}}{STYLE}</style></head>\
             <body>{heading}<main>{content}</main></body></html>"
        )
    }
}

/// The style of this crate's pages. A dark page has its own colours, whatever the application chose for a light one.
pub(crate) const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1b2330;--soft:#5d6878;--card:#fff;--line:#dfe4ea}\
*{box-sizing:border-box}\
body{margin:0 auto;padding:12vh 1rem 2rem;max-width:30rem;font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--back,#fff)}\
body.wide{max-width:60rem;padding-top:2rem}\
main{background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:1.5rem}\
.name{font-weight:650;margin:0 0 1rem}h1{font-size:1.35rem;line-height:1.3;margin:0 0 .75rem}p{margin:0 0 1rem}main>p:last-child{margin:0}\
code{font-size:1.05rem;overflow-wrap:anywhere}a{color:var(--accent,#2f5bd8)}\
a.button,button{display:inline-block;padding:.55rem 1.1rem;border:0;border-radius:.5rem;background:var(--accent,#2f5bd8);color:#fff;font:inherit;text-decoration:none;cursor:pointer}\
dt{color:var(--soft)}dt,dd{overflow-wrap:anywhere}dd{margin:0 0 .5rem}.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.93rem}\
th{text-align:left;color:var(--soft);font-weight:500}th,td{padding:.35rem .75rem .35rem 0;vertical-align:top;overflow-wrap:anywhere;min-width:6.5rem}\
@media (prefers-color-scheme:dark){:root{--ink:#e7ebf1;--soft:#9aa6b6;--card:#1a212b;--line:#2d3744;--back:#11161d;--accent:#7aa2ff}a.button,button{color:#11161d}}";
