//! The elements of the pages. Text is escaped when it is inserted.

use chrono::{DateTime, Utc};
use vouchsafe::xml::escape_markup;

use super::error::SetUpError;

/// Returns a time as the pages show it, to the minute.
pub(super) fn minute(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// The growing content of a page.
#[derive(Debug, Default)]
pub(super) struct Markup(String);

/// A problem that is shown, next to its field if it has one.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) field: Option<&'static str>,
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) hint: String,
}

impl Problem {
    pub(super) fn of(
        error: &SetUpError,
        console: Option<vouchsafe::console::Console>,
        field: Option<&'static str>,
    ) -> Problem {
        Problem { field, code: error.code(), message: error.to_string(), hint: error.hint_for(console) }
    }
}

/// An input of a form.
#[derive(Clone, Copy, Debug)]
pub(super) struct Input<'a> {
    pub(super) name: &'static str,
    pub(super) label: &'a str,
    pub(super) kind: Kind,
    pub(super) hint: &'a str,
    pub(super) value: &'a str,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Address,
    Text,
    File,
    LongText,
}

impl Markup {
    pub(super) fn into_html(self) -> String {
        self.0
    }

    pub(super) fn title(mut self, text: &str) -> Markup {
        self.element("h1", "", text);
        self
    }

    pub(super) fn heading(mut self, text: &str) -> Markup {
        self.element("h2", "", text);
        self
    }

    pub(super) fn paragraph(mut self, text: &str) -> Markup {
        self.element("p", "", text);
        self
    }

    pub(super) fn note(mut self, text: &str) -> Markup {
        self.element("p", " class=\"note\"", text);
        self
    }

    pub(super) fn success(mut self, text: &str) -> Markup {
        self.element("p", " class=\"success\" role=\"status\"", text);
        self
    }

    /// Adds a secret that is shown once.
    pub(super) fn secret(mut self, text: &str) -> Markup {
        self.element("p", " class=\"secret\"", text);
        self
    }

    /// Adds a problem at the top of the page, which a screen reader reads at once.
    pub(super) fn problem(mut self, problem: &Problem) -> Markup {
        let leads = problem.field.map(|field| format!(" <a href=\"#{field}\">Go to the field</a>"));
        self.0.push_str(&format!(
            "<div class=\"problem\" role=\"alert\"><p><strong>{}</strong>{}</p><p>{}</p><p class=\"code\"><code>{}</code></p></div>",
            escape_markup(&problem.message),
            leads.unwrap_or_default(),
            escape_markup(&problem.hint),
            escape_markup(problem.code),
        ));
        self
    }

    pub(super) fn link(mut self, class: &str, href: &str, text: &str) -> Markup {
        self.0.push_str(&format!(
            "<p><a class=\"{class}\" href=\"{}\">{}</a></p>",
            escape_markup(href),
            escape_markup(text)
        ));
        self
    }

    pub(super) fn list<'t>(mut self, texts: impl IntoIterator<Item = &'t str>) -> Markup {
        self.0.push_str("<ul>");
        for text in texts {
            self.element("li", "", text);
        }
        self.0.push_str("</ul>");
        self
    }

    pub(super) fn facts(mut self, facts: &[(&str, &str)]) -> Markup {
        self.0.push_str("<dl>");
        for (name, value) in facts {
            self.element("dt", "", name);
            self.element("dd", "", value);
        }
        self.0.push_str("</dl>");
        self
    }

    /// Adds a table whose cells name their column, for narrow screens.
    pub(super) fn table<const COLUMNS: usize>(
        self,
        caption: &str,
        heads: [&str; COLUMNS],
        rows: &[[String; COLUMNS]],
    ) -> Markup {
        self.captioned("", caption, heads, rows)
    }

    /// Adds a table below a heading that already names it: the caption is only for screen readers.
    pub(super) fn table_of_heading<const COLUMNS: usize>(
        self,
        caption: &str,
        heads: [&str; COLUMNS],
        rows: &[[String; COLUMNS]],
    ) -> Markup {
        self.captioned(" class=\"unseen\"", caption, heads, rows)
    }

    fn captioned<const COLUMNS: usize>(
        mut self,
        class: &str,
        caption: &str,
        heads: [&str; COLUMNS],
        rows: &[[String; COLUMNS]],
    ) -> Markup {
        self.0.push_str("<table>");
        self.element("caption", class, caption);
        self.0.push_str("<thead><tr>");
        for head in heads {
            self.element("th", " scope=\"col\"", head);
        }
        self.0.push_str("</tr></thead><tbody>");
        for row in rows {
            self.0.push_str("<tr>");
            for (head, cell) in heads.iter().zip(row) {
                let head = format!(" data-head=\"{}\"", escape_markup(head));
                self.element("td", &head, cell);
            }
            self.0.push_str("</tr>");
        }
        self.0.push_str("</tbody></table>");
        self
    }

    pub(super) fn card(mut self, heading: &str, content: impl FnOnce(Markup) -> Markup) -> Markup {
        self.0.push_str("<section>");
        let inner = content(Markup::default().heading(heading));
        self.0.push_str(&inner.0);
        self.0.push_str("</section>");
        self
    }

    pub(super) fn details(mut self, summary: &str, content: impl FnOnce(Markup) -> Markup) -> Markup {
        self.0.push_str("<details>");
        self.element("summary", "", summary);
        self.0.push_str(&content(Markup::default()).0);
        self.0.push_str("</details>");
        self
    }

    /// Adds the steps: the name, the link if it can be used yet, the status, and whether it is this page.
    pub(super) fn steps(mut self, steps: &[(&str, Option<String>, String, bool)]) -> Markup {
        self.0.push_str("<nav aria-label=\"Steps\"><ol class=\"steps\">");
        for (name, href, state, is_here) in steps {
            let here = if *is_here { " aria-current=\"step\"" } else { "" };
            let (name, state) = (escape_markup(name), escape_markup(state));
            let name = match href {
                Some(href) => format!("<a href=\"{}\"{here}>{name}</a>", escape_markup(href)),
                None => format!("<span{here}>{name}</span>"),
            };
            self.0.push_str(&format!("<li>{name} <span class=\"state\">{state}</span></li>"));
        }
        self.0.push_str("</ol></nav>");
        self
    }

    /// Adds a form that can contain files, with the token of this browser's forms.
    pub(super) fn form(mut self, action: &str, token: &str, content: impl FnOnce(Form) -> Form) -> Markup {
        self.0.push_str(&format!(
            "<form method=\"post\" action=\"{}\" enctype=\"multipart/form-data\">{}",
            escape_markup(action),
            hidden("form_token", token)
        ));
        self.0.push_str(&content(Form::default()).0);
        self.0.push_str("</form>");
        self
    }

    fn element(&mut self, name: &str, attributes: &str, text: &str) {
        self.0.push_str(&format!("<{name}{attributes}>{}</{name}>", escape_markup(text)));
    }
}

fn hidden(name: &str, value: &str) -> String {
    format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">", escape_markup(name), escape_markup(value))
}

/// The content of a form.
#[derive(Debug, Default)]
pub(super) struct Form(String);

impl Form {
    pub(super) fn hidden(mut self, name: &str, value: &str) -> Form {
        self.0.push_str(&hidden(name, value));
        self
    }

    pub(super) fn button(mut self, text: &str) -> Form {
        self.0.push_str(&format!("<button>{}</button>", escape_markup(text)));
        self
    }

    pub(super) fn quiet_button(mut self, text: &str) -> Form {
        self.0.push_str(&format!("<button class=\"quiet\">{}</button>", escape_markup(text)));
        self
    }

    /// Adds an input with its label, its hint, and its problem.
    pub(super) fn input(mut self, input: Input<'_>, problem: Option<&Problem>) -> Form {
        let name = input.name;
        let problem = problem.filter(|problem| problem.field == Some(name));
        let described = match problem {
            Some(_) => format!(" aria-invalid=\"true\" aria-describedby=\"{name}-error {name}-hint\""),
            None => format!(" aria-describedby=\"{name}-hint\""),
        };
        self.0.push_str(&format!("<label for=\"{name}\">{}</label>", escape_markup(input.label)));
        if let Some(problem) = problem {
            self.0.push_str(&format!(
                "<p class=\"field-error\" id=\"{name}-error\">{}</p>",
                escape_markup(&problem.message)
            ));
        }
        let value = escape_markup(input.value);
        self.0.push_str(&match input.kind {
            Kind::LongText => format!(
                "<textarea id=\"{name}\" name=\"{name}\" rows=\"6\" spellcheck=\"false\"{described}>\n{value}</textarea>"
            ),
            Kind::File => format!("<input id=\"{name}\" name=\"{name}\" type=\"file\" accept=\".xml,text/xml,application/xml\"{described}>"),
            // The server checks the address, because it can tell the reason.
            Kind::Address => format!(
                "<input id=\"{name}\" name=\"{name}\" type=\"text\" inputmode=\"url\" autocomplete=\"off\" spellcheck=\"false\" value=\"{value}\"{described}>"
            ),
            Kind::Text => format!(
                "<input id=\"{name}\" name=\"{name}\" type=\"text\" autocomplete=\"off\" spellcheck=\"false\" value=\"{value}\"{described}>"
            ),
        });
        self.0.push_str(&format!("<p class=\"note\" id=\"{name}-hint\">{}</p>", escape_markup(input.hint)));
        self
    }

    /// Adds a choice among several, of which the first is selected.
    pub(super) fn choices(
        mut self,
        name: &str,
        legend: &str,
        choices: &[(&str, String)],
        chosen: Option<&str>,
    ) -> Form {
        self.0.push_str(&format!("<fieldset><legend>{}</legend>", escape_markup(legend)));
        for (place, (value, label)) in choices.iter().enumerate() {
            let is_chosen = chosen.map_or(place == 0, |chosen| chosen == *value);
            self.0.push_str(&format!(
                "<label class=\"choice\"><input type=\"radio\" name=\"{}\" value=\"{}\"{} required> {}</label>",
                escape_markup(name),
                escape_markup(value),
                if is_chosen { " checked" } else { "" },
                escape_markup(label)
            ));
        }
        self.0.push_str("</fieldset>");
        self
    }

    pub(super) fn confirmation(mut self, name: &str, label: &str) -> Form {
        self.0.push_str(&format!(
            "<label class=\"choice\"><input type=\"checkbox\" name=\"{}\" value=\"yes\" required> {}</label>",
            escape_markup(name),
            escape_markup(label)
        ));
        self
    }
}

/// The style of the pages. The application's stylesheet is loaded after it.
pub(super) const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1b2330;--soft:#566172;--line:#d5dbe3;--back:#f5f7f9;--card:#fff;--accent:#2f5bd8;--on:#fff;--good:#146c43;--goodback:#e8f5ee;--bad:#a8231c;--badback:#fdecea}
@media (prefers-color-scheme:dark){:root{--ink:#e7ebf1;--soft:#9aa6b6;--line:#2d3744;--back:#11161d;--card:#1a212b;--accent:#7aa2ff;--on:#11161d;--good:#7fd3a6;--goodback:#16301f;--bad:#ff9d94;--badback:#3a1b1a}}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--ink);font:16px/1.5 system-ui,-apple-system,'Segoe UI',sans-serif;overflow-wrap:anywhere}
header{display:flex;flex-wrap:wrap;align-items:center;gap:.5rem 1rem;padding:.9rem 1.5rem;background:var(--card);border-bottom:1px solid var(--line)}
.logo{height:1.75rem}.name{font-weight:650}.organization{margin-left:auto;color:var(--soft)}
main{max-width:56rem;margin:2rem auto;padding:0 1.25rem}footer{max-width:56rem;margin:0 auto 2rem;padding:0 1.25rem;color:var(--soft)}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 1.25rem}h2{font-size:1.1rem;margin:0 0 .75rem}p{margin:0 0 .9rem}
section{background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:1.25rem 1.5rem;margin:0 0 1.25rem}section>:last-child{margin-bottom:0}
.steps{display:flex;flex-wrap:wrap;gap:.5rem 1.5rem;list-style:none;counter-reset:step;margin:0 0 1.5rem;padding:0}
.steps li{counter-increment:step}.steps li::before{content:counter(step) '. ';color:var(--soft)}.steps a[aria-current]{font-weight:650;color:var(--ink)}.state{color:var(--soft);font-size:.9rem}
a{color:var(--accent)}a.button,button{display:inline-block;padding:.6rem 1.1rem;border:1px solid transparent;border-radius:.5rem;background:var(--accent);color:var(--on);font:inherit;font-weight:550;text-decoration:none;cursor:pointer}
button.quiet,a.quiet{background:var(--card);color:var(--ink);border:1px solid var(--line)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
dl{display:grid;grid-template-columns:minmax(10rem,auto) 1fr;gap:.35rem 1.25rem;margin:0 0 .9rem}dt{color:var(--soft)}dd{margin:0}
table{border-collapse:collapse;width:100%;margin:0 0 .9rem;font-size:.95rem}caption{text-align:left;font-weight:600;padding:.25rem 0}
th{text-align:left;color:var(--soft);font-weight:500}th,td{padding:.45rem .75rem .45rem 0;border-bottom:1px solid var(--line);vertical-align:top}
td{min-width:7rem}caption.unseen~tbody td:nth-child(2){-webkit-user-select:all;user-select:all}caption.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}td:first-child{min-width:11rem}details>summary{cursor:pointer;color:var(--accent);margin-bottom:.75rem}
label{display:block;font-weight:550;margin:0 0 .3rem}label.choice{font-weight:400;padding:.3rem 0}
fieldset{border:1px solid var(--line);border-radius:.5rem;padding:.75rem 1rem;margin:0 0 1rem}legend{font-weight:550;padding:0 .35rem}
input[type=text],input[type=file],textarea{display:block;width:100%;padding:.55rem .7rem;border:1px solid var(--soft);border-radius:.5rem;font:inherit;color:var(--ink);background:var(--card);margin-bottom:.3rem}
textarea{font-family:ui-monospace,monospace;font-size:.9rem}input[aria-invalid=true],textarea[aria-invalid=true]{border-color:var(--bad);border-width:2px}
.note{color:var(--soft);font-size:.93rem}.field-error{color:var(--bad);font-weight:550;margin:0 0 .3rem}.code{font-size:.9rem;color:var(--soft)}
.problem,.success{border-radius:.5rem;padding:.8rem 1rem;margin:0 0 1.25rem}.problem{background:var(--badback);color:var(--bad)}.problem p:last-child{margin:0}.problem .code,.problem a{color:inherit}
.success{background:var(--goodback);color:var(--good)}.secret{font-family:ui-monospace,monospace;background:var(--goodback);color:var(--good);border-radius:.5rem;padding:.7rem 1rem}
form{margin:0 0 .75rem}
@media (max-width:40rem){main{margin:1.25rem auto;padding:0 .75rem}section{padding:1rem}header{padding:.75rem 1rem}.organization{margin-left:0;width:100%}.steps{display:block}.steps li{padding:.2rem 0}
dl{display:block}dd{margin:0 0 .5rem}table,tbody,tr,td,caption{display:block}thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
tr{padding:.5rem 0;border-bottom:1px solid var(--line)}td{border:0;padding:.1rem 0}td:empty{display:none}td::before{content:attr(data-head);display:block;color:var(--soft);font-size:.85rem}a.button,button{width:100%;text-align:center}}
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text_in_every_element() {
        let nasty = "\"><script>alert('x')</script></textarea>";
        let problem = Problem {
            field: Some("metadata_url"),
            code: "x",
            message: nasty.to_owned(),
            hint: nasty.to_owned(),
        };
        let input = |name, kind| Input { name, label: nasty, kind, hint: nasty, value: nasty };
        let html = Markup::default()
            .title(nasty)
            .heading(nasty)
            .paragraph(nasty)
            .note(nasty)
            .success(nasty)
            .secret(nasty)
            .problem(&problem)
            .link("button", nasty, nasty)
            .list([nasty])
            .facts(&[(nasty, nasty)])
            .table(nasty, [nasty], &[[nasty.to_owned()]])
            .card(nasty, |card| card.details(nasty, |inner| inner.paragraph(nasty)))
            .steps(&[
                (nasty, Some(nasty.to_owned()), nasty.to_owned(), true),
                (nasty, None, nasty.to_owned(), false),
            ])
            .form(nasty, nasty, |form| {
                form.hidden(nasty, nasty)
                    .input(input("metadata_url", Kind::Address), Some(&problem))
                    .input(input("domain", Kind::Text), Some(&problem))
                    .input(input("file", Kind::File), None)
                    .input(input("text", Kind::LongText), None)
                    .choices(nasty, nasty, &[(nasty, nasty.to_owned())], None)
                    .confirmation(nasty, nasty)
                    .button(nasty)
                    .quiet_button(nasty)
            })
            .into_html();
        assert!(!html.contains("<script>"), "{html}");
        assert_eq!(html.matches("</textarea>").count(), 1);
        assert_eq!(html.matches("aria-invalid").count(), 1, "the problem stands at its field");
        assert!(html.contains("aria-describedby=\"metadata_url-error metadata_url-hint\""));
    }
}
