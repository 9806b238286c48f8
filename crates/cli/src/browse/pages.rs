//! The pages: the form, and the doctor's findings.

use vouchsafe::crypto::{Provider, base64_encode};
use vouchsafe::doctor::{Answer, Complaint, Diagnosis, Event, Exhibit, Severity, Story, Verdict};

use crate::serve::html::{Site, code, definitions, page_of, text};

use super::marks;

const SITE: Site = Site { name: "vouchsafe doctor", promise: "On this machine: nothing leaves it." };

/// The script that reads dropped or chosen files and sends the form. Without it, the pasted text is sent.
const SCRIPT: &str = "\
const form=document.forms[0],drop=document.getElementById('drop'),chosen=document.getElementById('chosen');\
drop.hidden=false;\
const add=(name,value)=>{const input=document.createElement('input');input.type='hidden';input.name=name;input.value=value;form.append(input)};\
const send=async files=>{for(const file of files){const bytes=new Uint8Array(await file.arrayBuffer());let text='';\
for(let at=0;at<bytes.length;at+=32768)text+=String.fromCharCode(...bytes.subarray(at,at+32768));add('name',file.name);add('base64',btoa(text))}\
if(files.length)form.submit()};\
chosen.addEventListener('change',()=>send(chosen.files));\
addEventListener('dragover',event=>{event.preventDefault();drop.classList.add('over')});\
addEventListener('dragleave',()=>drop.classList.remove('over'));\
addEventListener('drop',event=>{event.preventDefault();drop.classList.remove('over');send(event.dataTransfer.files)});";

/// Returns the digest of the script for the page's policy: base64 of its SHA-256.
pub(super) fn script_digest() -> String {
    Provider::rustcrypto().sha256(SCRIPT.as_bytes()).map(|digest| base64_encode(&digest)).unwrap_or_default()
}

/// Makes the start page.
pub(super) fn start(files: &[&str]) -> String {
    page_of(SITE, "/", "What is wrong with it?", &form(files))
}

pub(super) fn failure(message: &str) -> String {
    let body = format!("<p class=\"bad\">{}</p>{}", text(message), form(&[]));
    page_of(SITE, "/", "Not possible", &body)
}

/// Makes the page of the doctor's findings, the first cause first.
pub(super) fn diagnosis(diagnosis: &Diagnosis, files: &[&str]) -> String {
    let stories: String = diagnosis.stories.iter().map(story).collect();
    let exhibits: String = diagnosis
        .exhibits
        .iter()
        .enumerate()
        .map(|(place, one)| exhibit(one, &format!("marked-{place}")))
        .collect();
    let title = if diagnosis.is_healthy() { "No error found" } else { "What is wrong" };
    let verdict = verdict(&diagnosis.verdict);
    page_of(SITE, "/", title, &format!("{verdict}{stories}{exhibits}<h2>Something else</h2>{}", form(files)))
}

/// Shows the answer, the first cause, and what to change.
fn verdict(verdict: &Verdict) -> String {
    let style = match verdict.answer {
        Answer::Wrong | Answer::NotUnderstood => "bad",
        _ => "good",
    };
    let answer = text(verdict.answer.in_words());
    let cause = verdict.cause.as_ref().map(|cause| {
        let source = text(verdict.source.as_deref().unwrap_or_default());
        format!("<p class=\"soft\">{source}</p><p>{}</p>", complaint_of(cause))
    });
    let not_judged = match verdict.not_judged.join(", ") {
        none if none.is_empty() => String::new(),
        what => format!("<p class=\"soft\">Not judged: {}.</p>", text(&what)),
    };
    format!("<section><p class=\"{style}\">{answer}</p>{}{not_judged}</section>", cause.unwrap_or_default())
}

fn form(files: &[&str]) -> String {
    let together = match files {
        [] => String::new(),
        names => {
            let names: Vec<String> = names.iter().map(|name| code(name)).collect();
            format!("<p class=\"soft\">Looked at together with {}.</p>", names.join(", "))
        }
    };
    format!(
        "<section><form method=\"post\" action=\"/examine\"><label for=\"text\">A response, request, query string, address, metadata, certificate or \
         recording</label><textarea id=\"text\" name=\"text\" spellcheck=\"false\" autocomplete=\"off\"></textarea>{}\
         <div id=\"drop\" class=\"drop\" hidden><label for=\"chosen\">or drop files here: HAR, SAML-tracer, XML, PEM</label>\
         <input id=\"chosen\" type=\"file\" multiple></div><p><button>Examine</button></p></form>{together}\
         <p class=\"soft\">Whole files of metadata say whom to trust and who we are; give only those that come from the console itself.</p></section>\
         <script>{SCRIPT}</script>",
        more_texts()
    )
}

/// Adds further fields, so that the files that are examined together can also be pasted.
fn more_texts() -> String {
    let rows =
        [("idp", "Metadata of the identity provider"), ("ours", "Metadata of this service, or its log")];
    let texts = rows.map(|(id, label)| {
        format!(
            "<label for=\"{id}\">{label}</label><textarea id=\"{id}\" name=\"text\" spellcheck=\"false\" autocomplete=\"off\"></textarea>"
        )
    });
    format!("<details><summary>Texts to look at together with it</summary>{}</details>", texts.concat())
}

fn story(story: &Story) -> String {
    let cause = match &story.cause {
        Some(cause) => format!(
            "<p><span class=\"bad\">The cause</span> is at request {}: {} {}</p><p><b>What to change:</b> {}</p>",
            cause.request,
            text(&cause.complaint.message),
            code(&cause.complaint.code),
            text(&cause.complaint.remedy)
        ),
        None if story.not_judged.is_empty() => "<p class=\"good\">The sequence is in order.</p>".to_owned(),
        None => {
            "<p class=\"good\">Nothing is wrong with the sequence as far as it was judged.</p>".to_owned()
        }
    };
    let rows: String = story.events.iter().map(event).collect();
    let not_judged = match story.not_judged.join(", ") {
        none if none.is_empty() => String::new(),
        what => format!("<p class=\"soft\">Not judged, since it was not recorded: {}.</p>", text(&what)),
    };
    format!(
        "<section><h2>{}</h2>{cause}<table><thead><tr><th scope=\"col\">Request</th><th scope=\"col\">After</th><th scope=\"col\">What</th>\
         <th scope=\"col\">Status</th></tr></thead><tbody>{rows}</tbody></table>{not_judged}</section>",
        text(&story.source)
    )
}

fn event(event: &Event) -> String {
    let since = event.seconds_since.map(|seconds| format!("{seconds} s")).unwrap_or_default();
    let status = event.status.map(|status| status.to_string()).unwrap_or_default();
    let wrong: String = event.complaints.iter().map(|one| format!("<br>{}", complaint(one))).collect();
    format!(
        "<tr><th scope=\"row\">{}</th><td data-name=\"After\">{since}</td><td>{} {}<br>{}{wrong}</td><td data-name=\"Status\">{status}</td></tr>",
        event.request,
        text(&event.method),
        text(&event.address),
        text(&event.what)
    )
}

/// Shows an exhibit. `name` is the name of its first mark.
fn exhibit(exhibit: &Exhibit, name: &str) -> String {
    let product = exhibit.product.as_ref().map(|product| {
        let certainty = if product.certain { "" } else { "probably " };
        format!("<p class=\"soft\">{certainty}{} ({})</p>", text(&product.name), text(&product.console))
    });
    let good = exhibit.worst().is_none_or(|worst| worst == Severity::Note).then(|| {
        let what = if exhibit.is_good_in_full() {
            "Nothing is wrong."
        } else {
            "Nothing is wrong with what was judged."
        };
        format!("<p class=\"good\">{what}</p>")
    });
    let not_judged = match exhibit.not_judged.join(", ") {
        none if none.is_empty() => String::new(),
        what => format!("<p class=\"soft\">Not judged: {}.</p>", text(&what)),
    };
    let complaints: String =
        exhibit.complaints.iter().map(|one| format!("<li>{}</li>", complaint_of(one))).collect();
    let facts: Vec<(&str, String)> =
        exhibit.facts.iter().map(|fact| (fact.name, text(&fact.value))).collect();
    let facts = match facts.as_slice() {
        [] => String::new(),
        rows => format!("<details><summary>{} facts</summary>{}</details>", rows.len(), definitions(rows)),
    };
    let codes: Vec<&str> = exhibit
        .complaints
        .iter()
        .filter(|one| one.severity != Severity::Note)
        .map(|one| one.code.as_str())
        .collect();
    let message = exhibit.message().map(|message| marks::message(message, &codes, name));
    let link = match &message {
        Some(message) if message.contains("<mark") => {
            format!("<p><a href=\"#{}\">Where it is in the message</a></p>", text(name))
        }
        _ => String::new(),
    };
    let words = format!(
        "<div>{}{}{not_judged}<ul>{complaints}</ul>{link}{facts}</div>",
        product.unwrap_or_default(),
        good.unwrap_or_default()
    );
    let message = message.map(|message| format!("<div><pre>{message}</pre></div>"));
    format!(
        "<section><h2>{}: {}</h2><div class=\"pair\">{words}{}</div></section>",
        text(&exhibit.source),
        text(exhibit.kind.name()),
        message.unwrap_or_default()
    )
}

fn complaint_of(one: &Complaint) -> String {
    let setting = one.setting.as_ref().map(|setting| {
        let value = setting.value.as_ref().map(|value| format!(" = {}", code(value))).unwrap_or_default();
        format!(
            "<br>Setting: {}{value} <span class=\"soft\">{}</span>",
            text(&setting.name),
            text(&setting.place)
        )
    });
    complaint(one) + &setting.unwrap_or_default()
}

fn complaint(complaint: &Complaint) -> String {
    let severity = match complaint.severity {
        Severity::Error => "<span class=\"bad\">error</span>",
        Severity::Warning => "<b>warning</b>",
        _ => "<span class=\"soft\">note</span>",
    };
    let (message, remedy) = (text(&complaint.message), text(&complaint.remedy));
    format!("{severity} {message} {}<br><span class=\"soft\">{remedy}</span>", code(&complaint.code))
}
