//! Pages as text: one layout, a few blocks.

use std::fmt::Write;

use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::response::{Html, IntoResponse, Response};
use vouchsafe::xml::escape_markup;

/// A page in the making. Text is escaped as it is put in, and markup is written in this file alone.
pub(crate) struct Page {
    title: String,
    body: String,
    navigation: String,
    narrow: bool,
}

impl Page {
    pub(crate) fn new(title: &str) -> Page {
        Page { title: escape_markup(title), body: String::new(), navigation: String::new(), narrow: false }
    }

    /// A column no wider than a form.
    pub(crate) fn narrow(mut self) -> Page {
        self.narrow = true;
        self
    }

    /// Shows who is signed in, with links and the button that ends the session.
    pub(crate) fn navigation(mut self, email: &str, owner: bool) -> Page {
        let settings = if owner { "<a href=\"/settings\">Organization settings</a>" } else { "" };
        self.navigation = format!(
            "<nav><a href=\"/home\">Home</a><a href=\"/tokens\">API tokens</a>{settings}<span class=\"who\">{}</span>\
             <form method=\"post\" action=\"/saml/logout\"><button class=\"quiet\">Sign out</button></form></nav>",
            escape_markup(email)
        );
        self
    }

    pub(crate) fn heading(mut self, text: &str) -> Page {
        self.put(format_args!("<h1>{}</h1>", escape_markup(text)));
        self
    }

    /// What most people do not need to see: shown when the summary is opened.
    pub(crate) fn details(mut self, summary: &str, fill: impl FnOnce(Page) -> Page) -> Page {
        self.put(format_args!("<details><summary>{}</summary>", escape_markup(summary)));
        self = fill(self);
        self.body.push_str("</details>");
        self
    }

    pub(crate) fn paragraph(mut self, text: &str) -> Page {
        self.put(format_args!("<p>{}</p>", escape_markup(text)));
        self
    }

    pub(crate) fn note(mut self, text: &str) -> Page {
        self.put(format_args!("<p class=\"note\">{}</p>", escape_markup(text)));
        self
    }

    pub(crate) fn problem(mut self, text: &str) -> Page {
        self.put(format_args!(
            "<p class=\"problem\" id=\"problem\" role=\"alert\">{}</p>",
            escape_markup(text)
        ));
        self
    }

    /// Something went as it should.
    pub(crate) fn success(mut self, text: &str) -> Page {
        self.put(format_args!("<p class=\"success\" role=\"status\">{}</p>", escape_markup(text)));
        self
    }

    /// A card with a heading, filled by `fill`.
    pub(crate) fn card(mut self, heading: &str, fill: impl FnOnce(Page) -> Page) -> Page {
        self.put(format_args!("<section><h2>{}</h2>", escape_markup(heading)));
        self = fill(self);
        self.body.push_str("</section>");
        self
    }

    /// Names and values, one a line.
    pub(crate) fn facts(mut self, facts: &[(&str, &str)]) -> Page {
        self.body.push_str("<dl>");
        for (name, value) in facts {
            self.put(format_args!("<dt>{}</dt><dd>{}</dd>", escape_markup(name), escape_markup(value)));
        }
        self.body.push_str("</dl>");
        self
    }

    /// A table; an empty one says so instead.
    pub(crate) fn table<const COLUMNS: usize>(
        mut self,
        heads: [&str; COLUMNS],
        rows: &[[String; COLUMNS]],
        empty: &str,
    ) -> Page {
        if rows.is_empty() {
            return self.note(empty);
        }
        self.body.push_str("<table><thead><tr>");
        for head in heads {
            self.put(format_args!("<th scope=\"col\">{}</th>", escape_markup(head)));
        }
        self.body.push_str("</tr></thead><tbody>");
        for row in rows {
            self.body.push_str("<tr>");
            for (head, cell) in heads.iter().zip(row) {
                self.put(format_args!(
                    "<td data-head=\"{}\">{}</td>",
                    escape_markup(head),
                    escape_markup(cell)
                ));
            }
            self.body.push_str("</tr>");
        }
        self.body.push_str("</tbody></table>");
        self
    }

    pub(crate) fn list(mut self, items: &[String]) -> Page {
        self.body.push_str("<ul>");
        for item in items {
            self.put(format_args!("<li>{}</li>", escape_markup(item)));
        }
        self.body.push_str("</ul>");
        self
    }

    /// A secret that is shown this once. `id` lets a program find it.
    pub(crate) fn secret(mut self, id: &str, value: &str) -> Page {
        self.put(format_args!(
            "<p><code class=\"secret\" id=\"{}\">{}</code></p>",
            escape_markup(id),
            escape_markup(value)
        ));
        self
    }

    /// A form: hidden fields, text inputs (name, label, type, placeholder), one button.
    pub(crate) fn form(mut self, form: &Form<'_>) -> Page {
        self.put(format_args!("<form method=\"{}\" action=\"{}\">", form.method, escape_markup(form.action)));
        for (name, value) in form.hidden {
            self.put(format_args!(
                "<input type=\"hidden\" name=\"{}\" value=\"{}\">",
                escape_markup(name),
                escape_markup(value)
            ));
        }
        for input in form.inputs {
            self.input(input);
        }
        self.put(format_args!(
            "<button{}>{}</button></form>",
            if form.quiet { " class=\"quiet\"" } else { "" },
            escape_markup(form.button)
        ));
        self
    }

    /// A form with one text of several lines, and another button that sends it elsewhere.
    pub(crate) fn text_form(
        mut self,
        action: &str,
        name: &str,
        label: &str,
        value: &str,
        button: &str,
        other: Option<Button<'_>>,
    ) -> Page {
        let other = other.map(|other| {
            let (action, text) = (escape_markup(other.action), escape_markup(other.text));
            format!(" <button class=\"quiet\" formaction=\"{action}\">{text}</button>")
        });
        self.put(format_args!(
            "<form method=\"post\" action=\"{}\"><label>{}<textarea name=\"{}\" rows=\"24\" spellcheck=\"false\">{}</textarea></label>\
             <button>{}</button>{}</form>",
            escape_markup(action),
            escape_markup(label),
            escape_markup(name),
            escape_markup(value),
            escape_markup(button),
            other.unwrap_or_default(),
        ));
        self
    }

    /// Links to the pages of the settings.
    pub(crate) fn links(mut self, links: &[(&str, &str)]) -> Page {
        self.body.push_str("<p>");
        for (place, (address, text)) in links.iter().enumerate() {
            let between = if place > 0 { " · " } else { "" };
            self.put(format_args!(
                "{between}<a href=\"{}\">{}</a>",
                escape_markup(address),
                escape_markup(text)
            ));
        }
        self.body.push_str("</p>");
        self
    }

    /// Each input has its label; one that was wrong says so, and points at the problem.
    fn input(&mut self, input: &Input<'_>) {
        let wrong = if input.wrong { " aria-invalid=\"true\" aria-describedby=\"problem\"" } else { "" };
        self.put(format_args!(
            "<label>{}<input name=\"{}\" type=\"{}\" value=\"{}\" placeholder=\"{}\" autocomplete=\"{}\"{wrong} required></label>",
            escape_markup(input.label),
            escape_markup(input.name),
            input.kind,
            escape_markup(input.value),
            escape_markup(input.placeholder),
            input.autocomplete,
        ));
    }

    fn put(&mut self, markup: std::fmt::Arguments<'_>) {
        // Writing to a String does not fail.
        let _ = self.body.write_fmt(markup);
    }

    /// The page as text, for who sends it with headers of their own.
    pub(crate) fn finish(self) -> String {
        format!(
            "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
             <title>{} · Loadbench</title><style>{STYLE}</style></head><body><header><a class=\"brand\" href=\"/\">\
             <span class=\"mark\"></span>Loadbench</a>{}</header><main{}>{}</main></body></html>",
            self.title,
            self.navigation,
            if self.narrow { " class=\"narrow\"" } else { "" },
            self.body
        )
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let headers = [
            (CACHE_CONTROL, "no-store"),
            (
                CONTENT_SECURITY_POLICY,
                "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
            ),
            (REFERRER_POLICY, "same-origin"),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ];
        (headers, Html(self.finish())).into_response()
    }
}

/// What a form holds.
pub(crate) struct Form<'a> {
    pub(crate) method: &'static str,
    pub(crate) action: &'a str,
    pub(crate) hidden: &'a [(&'a str, &'a str)],
    pub(crate) inputs: &'a [Input<'a>],
    pub(crate) button: &'a str,
    pub(crate) quiet: bool,
}

/// A further button of a form.
pub(crate) struct Button<'a> {
    pub(crate) action: &'a str,
    pub(crate) text: &'a str,
}

/// One input of a form.
pub(crate) struct Input<'a> {
    pub(crate) name: &'a str,
    pub(crate) label: &'a str,
    pub(crate) kind: &'static str,
    pub(crate) placeholder: &'a str,
    /// What the browser may fill in.
    pub(crate) autocomplete: &'static str,
    /// What was typed before.
    pub(crate) value: &'a str,
    /// Whether that was the problem.
    pub(crate) wrong: bool,
}

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1b2330;--soft:#566172;--line:#dfe4ea;--back:#f5f7f9;--card:#fff;--field:#fff;--accent:#2f5bd8;--on:#fff;--good:#18794e;--goodback:#e8f5ee;--bad:#a8231c;--badback:#fdecea}\
*{box-sizing:border-box}\
body{margin:0;background:var(--back);color:var(--ink);font:16px/1.5 system-ui,-apple-system,'Segoe UI',sans-serif}\
header{display:flex;align-items:center;gap:.75rem 2rem;padding:.9rem 1.5rem;background:var(--card);border-bottom:1px solid var(--line);flex-wrap:wrap}\
.brand{display:flex;align-items:center;gap:.6rem;font-weight:650;color:var(--ink);text-decoration:none}\
.mark{width:1.1rem;height:1.1rem;border-radius:.3rem;background:linear-gradient(135deg,var(--accent),#7aa2ff)}\
nav{display:flex;align-items:center;gap:.5rem 1.25rem;flex:1;flex-wrap:wrap}\
a{color:var(--accent)}nav a{color:var(--soft);text-decoration:none}nav a:hover{color:var(--ink)}\
.who{margin-left:auto;color:var(--soft);overflow-wrap:anywhere}nav form,section form{margin:0}\
section>dl+form,section>table+form,section>ul+form,section>p+form,section>table+dl,section>dl+ul,section>form+p,section>form+dl{margin-top:1rem}section>form+form{margin-top:.5rem}\
main{max-width:60rem;margin:2.5rem auto;padding:0 1.25rem}main.narrow{max-width:30rem}\
h1{font-size:1.6rem;line-height:1.25;margin:0 0 1.25rem;overflow-wrap:anywhere}h2{font-size:1.05rem;margin:0 0 .75rem}\
section{background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:1.25rem 1.5rem;margin:0 0 1.25rem}\
dl{display:grid;grid-template-columns:minmax(9rem,auto) 1fr;gap:.35rem 1.25rem;margin:0}\
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}\
table{border-collapse:collapse;width:100%;font-size:.93rem}\
th{text-align:left;color:var(--soft);font-weight:500}th,td{padding:.4rem .75rem .4rem 0;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere;min-width:6.5rem}td:first-child{min-width:10rem}\
tr:last-child td{border-bottom:0}\
details{margin-top:.5rem}summary{cursor:pointer;color:var(--accent)}details>*+*{margin-top:.75rem}\
label{display:block;margin:0 0 .9rem;color:var(--soft);font-size:.93rem}\
input,textarea{display:block;width:100%;margin-top:.3rem;padding:.55rem .7rem;border:1px solid var(--line);border-radius:.5rem;font:inherit;color:var(--ink);background:var(--field)}\
textarea{font-family:ui-monospace,monospace;font-size:.93rem}input[aria-invalid=true]{border-color:var(--bad)}\
:focus-visible{outline:2px solid var(--accent);outline-offset:1px}\
button{padding:.55rem 1.1rem;border:0;border-radius:.5rem;background:var(--accent);color:var(--on);font:inherit;font-weight:550;cursor:pointer;overflow-wrap:anywhere}\
button.quiet{background:var(--card);color:var(--ink);border:1px solid var(--line);padding:.35rem .8rem}\
.note{color:var(--soft)}.problem,.success{border-radius:.5rem;padding:.7rem 1rem;overflow-wrap:anywhere}\
.problem{background:var(--badback);color:var(--bad)}.success{background:var(--goodback);color:var(--good)}\
.secret{display:inline-block;background:var(--goodback);color:var(--good);border-radius:.5rem;padding:.6rem .9rem;font-size:1rem;overflow-wrap:anywhere}\
ul{margin:0;padding-left:1.2rem;overflow-wrap:anywhere}p{margin:0 0 .9rem}p:last-child{margin-bottom:0}\
@media (max-width:40rem){main{margin:1.25rem auto;padding:0 .75rem}section{padding:1rem}header{padding:.75rem 1rem}nav{flex:1 1 100%}.who{margin-left:0;width:100%}\
dl{display:block}dd{margin:0 0 .5rem}\
table,tbody,tr,td{display:block}thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}\
tr{padding:.5rem 0;border-bottom:1px solid var(--line)}tr:last-child{border:0}td{border:0;padding:.1rem 0}td:empty{display:none}\
td::before{content:attr(data-head);display:block;color:var(--soft);font-size:.85rem}}\
@media (prefers-color-scheme:dark){:root{--ink:#e7ebf1;--soft:#9aa6b6;--line:#2d3744;--back:#11161d;--card:#1a212b;--field:#11161d;--accent:#7aa2ff;--on:#11161d;--good:#7fd3a6;--goodback:#16301f;--bad:#ff9d94;--badback:#3a1b1a}}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        let nasty = "\"><script>alert('x')</script>&";
        let page = Page::new(nasty)
            .navigation(nasty, true)
            .heading(nasty)
            .facts(&[(nasty, nasty)])
            .table([nasty], &[[nasty.to_owned()]], nasty)
            .list(&[nasty.to_owned()])
            .secret(nasty, nasty)
            .finish();
        assert!(!page.contains("<script>"));
        assert!(page.contains("&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)"));
    }
}
