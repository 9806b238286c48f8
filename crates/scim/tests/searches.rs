//! Lists and searches: what they answer, and what they hold.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "this is a test: it may panic")]

mod common;

use std::collections::BTreeMap;

use common::{World, person};
use serde_json::{Value, json};
use vouchsafe_scim::{Filter, Limits, ScimKind};

fn encoded(filter: &str) -> String {
    form_urlencoded::byte_serialize(filter.as_bytes()).collect()
}

async fn list(world: &mut World, path: &str) -> Value {
    let answer = world.send("GET", path, "", &[]).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    answer.body
}

fn ids(page: &Value) -> Vec<String> {
    let resources = page["Resources"].as_array().unwrap();
    resources.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

/// Twelve people, of whom some are not active, have titles, second addresses and departments, and four groups.
async fn people(world: &mut World) -> BTreeMap<String, Value> {
    for number in 0..12 {
        let mut body = person(&format!("p{number}"), "Given", &format!("Family{}", number % 5));
        body["active"] = json!(number % 3 != 0);
        body["title"] = if number % 2 == 0 { json!(format!("Title {}", number / 4)) } else { Value::Null };
        body["displayName"] = json!(format!("Display {}", number % 4));
        body["emails"].as_array_mut().unwrap().push(json!({"value": "Shared@Acme.example", "type": "other"}));
        let extension = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        body[extension] = json!({"department": format!("D{}", number % 2), "externalId": "ext-p1"});
        let answer = world.send("POST", "/Users", &body.to_string(), &[]).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        world.save(&format!("p{number}"), answer.body["id"].as_str().unwrap());
    }
    for group in 0..4 {
        let members: Vec<Value> =
            (0..=group).map(|number| json!({"value": world.id(&format!("p{number}"))})).collect();
        let body = json!({"displayName": format!("Group {group}"), "members": members}).to_string();
        let answer = world.send("POST", "/Groups", &body, &[]).await;
        world.save(&format!("g{group}"), answer.body["id"].as_str().unwrap());
    }
    let mut all = BTreeMap::new();
    for path in ["/Users", "/Groups"] {
        let page = list(world, path).await;
        for one in page["Resources"].as_array().unwrap() {
            all.insert(one["id"].as_str().unwrap().to_owned(), one.clone());
        }
    }
    all
}

/// Whatever finds them, those are answered that match, in the order in which they were made, whichever page is asked for.
#[tokio::test]
async fn a_search_answers_what_matches_whichever_way_it_is_found() {
    for mut world in World::on_every_store().await {
        let all = people(&mut world).await;
        let p3 = world.id("p3");
        let filters = [
            r#"userName eq "P3@acme.example""#.to_owned(),
            r#"externalId eq "ext-p3""#.to_owned(),
            r#"externalId eq "EXT-p3""#.to_owned(),
            format!(r#"id eq "{p3}""#),
            format!(r#"id eq "{p3}" and active eq true"#),
            r#"displayName eq "DISPLAY 1""#.to_owned(),
            r#"displayName eq "Display 1" and title pr"#.to_owned(),
            r#"displayName eq "Group 1""#.to_owned(),
            "active eq false".to_owned(),
            "active eq true".to_owned(),
            r#"active eq "False" and title pr"#.to_owned(),
            r#"emails.value eq "p3@ACME.example""#.to_owned(),
            r#"emails.value eq "shared@acme.example""#.to_owned(),
            r#"emails[type eq "work"].value eq "shared@acme.example""#.to_owned(),
            r#"emails[type eq "other"].value eq "shared@acme.example" and active eq false"#.to_owned(),
            r#"emails.value eq "nobody@acme.example""#.to_owned(),
            r#"title sw "Title 1" or userName eq "p1@acme.example""#.to_owned(),
            r#"not (active eq false)"#.to_owned(),
            r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "d1""#.to_owned(),
            r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:externalId eq "ext-p1""#.to_owned(),
            format!(r#"members[value eq "{p3}"]"#),
            format!(r#"members.value eq "{p3}" or displayName eq "Group 0""#),
            format!(r#"groups.value eq "{}""#, world.id("g3")),
            r#"groups.display co "group""#.to_owned(),
            "members pr".to_owned(),
        ];
        for (path, kind) in [("/Users", ScimKind::User), ("/Groups", ScimKind::Group)] {
            let everybody = ids(&list(&mut world, path).await);
            for text in &filters {
                let filter = Filter::parse(text, &Limits::default()).unwrap();
                let matches = |id: &&String| filter.matches(all[*id].as_object().unwrap(), kind);
                let expected: Vec<String> = everybody.iter().filter(matches).cloned().collect();
                let query = format!("{path}?filter={}", encoded(text));
                let page = list(&mut world, &query).await;
                assert_eq!(ids(&page), expected, "{}: {path} {text}", world.store_name());
                assert_eq!(page["totalResults"], expected.len(), "{text}");
                for one in page["Resources"].as_array().unwrap() {
                    assert_eq!(*one, all[one["id"].as_str().unwrap()], "{text}: all of it is in the answer");
                }
                // A page of it, by index and by cursor, and in an order.
                let page = list(&mut world, &format!("{query}&startIndex=2&count=2")).await;
                let part: Vec<String> = expected.iter().skip(1).take(2).cloned().collect();
                assert_eq!((ids(&page), &page["totalResults"]), (part, &json!(expected.len())), "{text}");
                for order in ["", "&sortBy=title&sortOrder=descending", "&sortBy=userName"] {
                    let (mut cursor, mut walked) = (Some(String::new()), Vec::new());
                    while let Some(at) = cursor {
                        let page = list(&mut world, &format!("{query}{order}&count=3&cursor={at}")).await;
                        walked.extend(ids(&page));
                        cursor = page.get("nextCursor").map(|next| next.as_str().unwrap().to_owned());
                    }
                    let mut sorted = expected.clone();
                    match order {
                        "" => {}
                        // Stable, with those that have no title first.
                        "&sortBy=title&sortOrder=descending" => {
                            let title = |id: &String| all[id]["title"].as_str().map(str::to_owned);
                            sorted.sort_by_key(|id| (title(id).is_some(), std::cmp::Reverse(title(id))));
                        }
                        _ => sorted.sort_by_key(|id| all[id]["userName"].as_str().map(str::to_owned)),
                    }
                    assert_eq!(walked, sorted, "{}: {path} {text} {order}", world.store_name());
                }
            }
        }
    }
}

/// A page of groups has no more members than a page may have, and none where they are left out; nobody is missed over the pages.
#[tokio::test]
async fn a_page_of_groups_has_so_many_members_and_no_more() {
    for mut world in World::on_every_store().await {
        let mut limits = Limits::default();
        limits.page_members = 5;
        world.scim = world.scim.clone().with_limits(limits);
        people(&mut world).await;
        // 1 + 2, then 3, then 4: 1 + 2 + 3 would be 6.
        let sizes = |page: &Value| -> Vec<usize> {
            let groups = page["Resources"].as_array().unwrap().iter();
            groups.map(|group| group["members"].as_array().map_or(0, Vec::len)).collect()
        };
        for query in
            ["/Groups?count=10", "/Groups?count=10&filter=displayName+pr", "/Groups?sortBy=displayName"]
        {
            let mut start = 1;
            for expected in [vec![1, 2], vec![3], vec![4], vec![]] {
                let page = list(&mut world, &format!("{query}&startIndex={start}")).await;
                assert_eq!(sizes(&page), expected, "{query}");
                assert_eq!(
                    (&page["totalResults"], &page["itemsPerPage"]),
                    (&json!(4), &json!(expected.len()))
                );
                start += expected.len();
            }
            let mut cursor = String::new();
            for expected in [vec![1, 2], vec![3], vec![4]] {
                let page = list(&mut world, &format!("{query}&cursor={cursor}")).await;
                assert_eq!(sizes(&page), expected, "{query}");
                cursor = page["nextCursor"].as_str().unwrap_or_default().to_owned();
                assert_eq!(cursor.is_empty() || cursor == "p4", expected == [4], "{query}");
            }
            for without in ["excludedAttributes=members", "attributes=displayName"] {
                let page = list(&mut world, &format!("{query}&{without}")).await;
                assert_eq!(sizes(&page), [0, 0, 0, 0], "{query}&{without}");
            }
        }
        // A filter on members looks at all of them, and one group may have more than a page.
        let p0 = world.id("p0");
        let query = format!("/Groups?filter={}", encoded(&format!(r#"members[value eq "{p0}"]"#)));
        assert_eq!(list(&mut world, &format!("{query}&excludedAttributes=members")).await["totalResults"], 4);
        let all: Vec<Value> =
            (0..12).map(|number| json!({"value": world.id(&format!("p{number}"))})).collect();
        let body = json!({"displayName": "All", "members": all}).to_string();
        let made = world.send("POST", "/Groups", &body, &[]).await;
        let page = list(&mut world, "/Groups?startIndex=5").await;
        assert_eq!(
            (ids(&page), sizes(&page)),
            (vec![made.body["id"].as_str().unwrap().to_owned()], vec![12])
        );
    }
}

/// So has a page of people, of the groups that they are in.
#[tokio::test]
async fn a_page_of_people_has_so_many_groups_and_no_more() {
    for mut world in World::on_every_store().await {
        people(&mut world).await;
        let mut limits = Limits::default();
        limits.page_members = 5;
        world.scim = world.scim.clone().with_limits(limits);
        // In four groups, in three, in two, in one, and nine people in none.
        for query in ["/Users?count=20", "/Users?filter=groups.value+pr+or+userName+pr"] {
            let (mut start, mut sizes) = (1, Vec::new());
            loop {
                let page = list(&mut world, &format!("{query}&startIndex={start}")).await;
                assert_eq!(page["totalResults"], 12);
                let size = ids(&page).len();
                if size == 0 {
                    break;
                }
                sizes.push(size);
                start += size;
            }
            assert_eq!(sizes, [1, 2, 9], "{query}");
            let page = list(&mut world, &format!("{query}&excludedAttributes=groups")).await;
            assert_eq!(ids(&page).len(), 12);
        }
    }
}

/// What costs much is answered for so many at a time; look-ups and changes are answered in any case.
#[tokio::test]
async fn where_there_is_no_room_for_searches_look_ups_go_on() {
    for mut world in World::on_every_store().await {
        people(&mut world).await;
        for number in 12..115 {
            world.given(&format!("p{number}")).await;
        }
        let members: Vec<Value> =
            (0..105).map(|number| json!({"value": world.id(&format!("p{number}"))})).collect();
        let large = json!({"displayName": "Large", "members": members});
        let made = world.send("POST", "/Groups", &large.to_string(), &[]).await;
        assert_eq!((made.status, made.body["members"].as_array().unwrap().len()), (201, 105));
        let large_path = format!("/Groups/{}", made.body["id"].as_str().unwrap());
        let mut limits = Limits::default();
        limits.costly = 0;
        world.scim = world.scim.clone().with_limits(limits);
        let before = world.store.whole(&common::acme()).await.unwrap();
        let p3 = world.id("p3");
        let shared = encoded(r#"emails.value eq "shared@acme.example""#);
        let body = json!({"displayName": "Larger", "members": members}).to_string();
        let search = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]}).to_string();
        for (method, path, body) in [
            ("GET", "/Users".to_owned(), ""),
            ("GET", "/Users?sortBy=userName".to_owned(), ""),
            ("GET", "/Users?filter=title+pr".to_owned(), ""),
            ("GET", "/Users?filter=active+eq+true".to_owned(), ""),
            ("GET", "/Groups?excludedAttributes=members".to_owned(), ""),
            ("POST", "/Users/.search".to_owned(), &search),
            ("GET", large_path.clone(), ""),
            ("POST", "/Groups".to_owned(), &body),
            ("PUT", large_path.clone(), &body),
            ("PUT", large_path.clone(), r#"{"displayName": "Renamed"}"#),
        ] {
            let answer = world.send(method, &path, body, &[]).await;
            assert_eq!(
                (answer.status, answer.headers.contains_key("retry-after")),
                (429, true),
                "{method} {path}"
            );
            assert_eq!(answer.body["status"], "429");
        }
        assert_eq!(world.store.whole(&common::acme()).await.unwrap(), before, "nothing was changed");
        let join = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "add", "path": "members", "value": [{"value": world.id("p110")}]}],
        });
        for (method, path, body, status) in [
            ("GET", format!("/Users/{p3}"), String::new(), 200),
            ("GET", "/Users?filter=userName+eq+%22p3%40acme.example%22".to_owned(), String::new(), 200),
            ("GET", format!("/Users?filter={shared}"), String::new(), 200),
            ("GET", "/Users?filter=active+eq+false".to_owned(), String::new(), 200),
            ("GET", format!("{large_path}?excludedAttributes=members"), String::new(), 200),
            ("PATCH", large_path.clone(), join.to_string(), 204),
            ("DELETE", large_path.clone(), String::new(), 204),
        ] {
            let answer = world.send(method, &path, &body, &[]).await;
            assert_eq!(answer.status, status, "{method} {path}: {}", answer.text);
        }
    }
}

/// Whichever way a list is read, an answer has so many bytes and no more, and whoever goes on behind it reads everybody once.
#[tokio::test]
async fn a_page_of_large_resources_ends_before_it_is_too_long() {
    for mut world in World::on_every_store().await {
        let mut limits = Limits::default();
        limits.page_bytes = 200_000;
        world.scim = world.scim.clone().with_limits(limits);
        let people = 23;
        for number in 0..people {
            let mut body = person(&format!("p{number}"), "Given", "Family");
            body["title"] = json!(format!("{:02}{}", people - number, "x".repeat(40_000)));
            assert_eq!(world.send("POST", "/Users", &body.to_string(), &[]).await.status, 201);
        }
        for query in ["count=200", "filter=title+pr&count=200", "sortBy=title&count=10"] {
            for by_cursor in [false, true] {
                let (mut read, mut start, mut cursor) = (Vec::new(), 1, String::new());
                loop {
                    let place =
                        if by_cursor { format!("cursor={cursor}") } else { format!("startIndex={start}") };
                    let answer = world.send("GET", &format!("/Users?{query}&{place}"), "", &[]).await;
                    assert_eq!((answer.status, &answer.body["totalResults"]), (200, &json!(people)));
                    assert!(answer.text.len() < 202_000, "{query}: {} bytes", answer.text.len());
                    let on_page = ids(&answer.body);
                    assert_eq!(answer.body["itemsPerPage"], json!(on_page.len()));
                    start += on_page.len();
                    read.extend(on_page);
                    cursor = answer.body["nextCursor"].as_str().unwrap_or_default().to_owned();
                    if (by_cursor && cursor.is_empty()) || (!by_cursor && start > people) {
                        break;
                    }
                }
                let all: std::collections::BTreeSet<&String> = read.iter().collect();
                assert_eq!((read.len(), all.len()), (people, people), "{query} {by_cursor}");
            }
        }
        // What is not asked for does not count, and a resource that alone has more is answered.
        let names = list(&mut world, "/Users?attributes=userName").await;
        assert_eq!(names["itemsPerPage"], json!(people));
        let mut limits = Limits::default();
        limits.page_bytes = 1_000;
        world.scim = world.scim.clone().with_limits(limits);
        assert_eq!(list(&mut world, "/Users").await["itemsPerPage"], json!(1));
    }
}
