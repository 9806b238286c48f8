//! The HTML and the script of the chooser, and its JSON.

use serde_json::{Value, json};
use vouchsafe::xml::escape_markup;

use crate::chooser_view::{ChooserView, ShownChoice};

pub(crate) fn json(view: &ChooserView<'_>) -> String {
    let choice = |choice: &ShownChoice<'_>| -> Value {
        let logo = choice.logo.map(|logo| logo.address());
        json!({
            "name": choice.name, "entity_id": choice.entity_id, "is_ambiguous": choice.is_ambiguous,
            "address": choice.address, "logo": logo,
        })
    };
    let choices: Vec<Value> = view.choices.iter().map(choice).collect();
    json!({ "total": view.total, "choices": choices }).to_string()
}

pub(crate) fn html(view: &ChooserView<'_>) -> String {
    let of = match view.name.is_empty() {
        true => String::new(),
        false => format!(" to {}", escape_markup(view.name)),
    };
    let hidden = view.return_to.map_or_else(String::new, |path| {
        format!("<input type=\"hidden\" name=\"return\" value=\"{}\">", escape_markup(path))
    });
    let choices: String = view.choices.iter().map(row).collect();
    let told = told(view.choices.len(), view.total);
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Sign in{of}</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><style>{STYLE}</style></head><body><main>\
         <h1>Sign in{of}</h1>\
         <form method=\"get\" role=\"search\">{hidden}<label for=\"q\">Search for your organization</label>\
         <div class=\"bar\"><input id=\"q\" name=\"q\" type=\"search\" value=\"{}\" autofocus autocomplete=\"off\" spellcheck=\"false\" \
         placeholder=\"Name, or your e-mail address\"><button>Search</button></div></form>\
         <p id=\"told\" role=\"status\">{told}</p><ul id=\"choices\">{choices}</ul></main><script>{SCRIPT}</script></body></html>",
        escape_markup(view.search)
    )
}

fn row(choice: &ShownChoice<'_>) -> String {
    let logo = choice.logo.map_or_else(
        || "<span></span>".to_owned(),
        |logo| format!("<img alt=\"\" loading=\"lazy\" src=\"{}\">", escape_markup(logo.address())),
    );
    let entity_id = match choice.is_ambiguous {
        true => format!("<small>{}</small>", escape_markup(choice.entity_id)),
        false => String::new(),
    };
    // The name has its own text direction, and does not change the direction of other text.
    format!(
        "<li><a href=\"{}\">{logo}<b dir=\"auto\">{}{entity_id}</b></a></li>",
        escape_markup(&choice.address),
        escape_markup(choice.name)
    )
}

/// Returns the note about the number of choices. The script shows the same note.
fn told(shown: usize, total: usize) -> String {
    match (shown, total) {
        (_, 0) => "Nothing was found. Try another part of the name.".to_owned(),
        (shown, total) if shown < total => format!("{shown} of {total} are shown. Type more of the name."),
        _ => String::new(),
    }
}

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;margin:0;padding:1rem;color:#1f2733;background:#f4f6f8}\
main{max-width:36rem;margin:1rem auto;background:#fff;padding:1.5rem;border:1px solid #d9dee5;border-radius:8px}\
h1{font-size:1.4rem;margin:0 0 1rem;overflow-wrap:anywhere}label{display:block;font-weight:600;margin-bottom:.3rem}\
.bar{display:flex;gap:.5rem}input[type=search]{flex:1;min-width:0;font:inherit;padding:.55rem .7rem;border:1px solid #8895a7;border-radius:6px}\
button{font:inherit;padding:.55rem 1rem;border:0;border-radius:6px;background:#1d4f91;color:#fff}\
#told{color:#566173;margin:.6rem 0;min-height:1.5em}ul{list-style:none;margin:0;padding:0}\
li a{display:flex;align-items:center;gap:.8rem;padding:.55rem .6rem;border-radius:6px;color:#1d4f91;text-decoration:none}li+li{border-top:1px solid #e6eaef}\
li a:hover{background:#eef3f9}li a:focus,input:focus,button:focus{outline:3px solid #6aa3e8;outline-offset:1px}\
li span,li img{flex:none;width:40px;height:32px;object-fit:contain}ul:not(:has(img)) span{display:none}li b{font-weight:500;overflow-wrap:anywhere}\
li small{display:block;font-weight:400;color:#566173}";

/// The script makes the list follow the typed text and the arrow keys. Without it, the form and the links are used.
pub(crate) const SCRIPT: &str = r#"(()=>{
const box=document.getElementById('q'),list=document.getElementById('choices'),told=document.getElementById('told');
let timer=0,asked=0;
const row=one=>{const item=document.createElement('li'),link=document.createElement('a'),name=document.createElement('b');
let logo=document.createElement(one.logo?'img':'span');if(one.logo){logo.alt='';logo.loading='lazy';logo.src=one.logo}
link.href=one.address;name.dir='auto';name.textContent=one.name;
if(one.is_ambiguous){const id=document.createElement('small');id.textContent=one.entity_id;name.append(id)}link.append(logo,name);item.append(link);return item};
const look=async()=>{const mine=++asked,query=new URLSearchParams(location.search);query.set('q',box.value);
try{const answer=await fetch(location.pathname+'?'+query,{headers:{accept:'application/json'}});if(!answer.ok)return;
const found=await answer.json();if(mine!==asked)return;
list.replaceChildren(...found.choices.map(row));
told.textContent=found.total===0?'Nothing was found. Try another part of the name.':
found.choices.length<found.total?found.choices.length+' of '+found.total+' are shown. Type more of the name.':''}catch{}};
box.addEventListener('input',()=>{clearTimeout(timer);timer=setTimeout(look,80)});
document.addEventListener('keydown',event=>{
const links=[...list.querySelectorAll('a')],at=links.indexOf(document.activeElement);
if(event.key==='ArrowDown'&&links.length){(links[at+1]||links[0]).focus();event.preventDefault()}
else if(event.key==='ArrowUp'&&at>=0){(at?links[at-1]:box).focus();event.preventDefault()}
else if(event.key==='Escape'){box.focus();box.select()}
else if(at>=0&&event.key.length===1&&!event.ctrlKey&&!event.metaKey&&!event.altKey&&event.key!==' ')box.focus()});
})()"#;
