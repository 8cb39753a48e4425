//! FASJSON and the old FAS as they answer, and as they refuse, on loopback.

use super::*;
use crate::config::{FasLogin, Sandbox, Secret};
use crate::outbound::Cassette;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::json;
use wiremock::matchers::{body_string_contains, header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

const PASSWORD: &str = "pa55+w&rd";

fn outbound() -> Outbound {
    Outbound::new(&Sandbox { allow_private_addresses: true, ..Sandbox::default() }).unwrap()
}

fn fas(server: &MockServer, kind: FasKind) -> Fas {
    let login = FasLogin::Password { username: "hubs".into(), password: Secret::new(PASSWORD) };
    let settings = Settings { kind, url: server.uri().parse().unwrap(), login };
    Fas::new(&outbound(), Some(&settings))
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

async fn says(server: &MockServer, at: &str, status: u16, body: Value) {
    let answer = ResponseTemplate::new(status).set_body_json(body);
    Mock::given(path(at)).respond_with(answer).mount(server).await;
}

/// As FASJSON has it, with all that it must not hand on.
fn ralph() -> Value {
    json!({
        "username": "ralph", "surname": "Bean", "givenname": "Ralph", "human_name": "Ralph Bean",
        "emails": ["ralph@example.org"], "ircnicks": ["irc://libera.chat/threebean"], "locale": "en-US",
        "timezone": "America/New_York", "gpgkeyids": ["0123456789ABCDEF"], "sshpubkeys": ["ssh-rsa AAAA"],
        "certificates": ["MIIC"], "creation": "2009-06-19T14:09:39+00:00", "is_private": false, "locked": false,
        "github_username": "ralphbean", "gitlab_username": null, "pronouns": null, "rhbzemail": "rb@example.org",
        "website": "https://threebean.org", "rssurl": null, "websites": null, "rssurls": null,
        "uri": "https://fasjson.example.org/v1/users/ralph/",
    })
}

/// As the old FAS has the same person.
fn old_ralph() -> Value {
    json!({
        "id": 100_002, "username": "ralph", "human_name": "Ralph Bean", "email": "ralph@example.org", "ircnick": "threebean",
        "gpg_keyid": "0123ABCD", "locale": "en-US", "timezone": "America/New_York", "latitude": 43.1, "comments": "x",
        "creation": "2009-06-19 14:09:39.612845+00:00", "privacy": false, "status": "active", "password": "*",
        "approved_memberships": [{ "id": 1, "name": "infra", "display_name": "Infrastructure", "group_type": "git" }],
        "unapproved_memberships": [{ "id": 2, "name": "web", "display_name": "Web" }],
    })
}

#[tokio::test]
async fn a_person_of_fasjson_comes_without_addresses_keys_and_certificates() {
    let server = MockServer::start().await;
    let login = base64_of("hubs:pa55+w&rd");
    Mock::given(path("/v1/users/ralph/"))
        .and(header("authorization", format!("Basic {login}")))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "result": ralph() })))
        .expect(1)
        .mount(&server)
        .await;
    let fas = fas(&server, FasKind::Fasjson);
    let told = fas.ask(&Question::Person(name("ralph")), soon()).await.unwrap().unwrap();
    insta::assert_json_snapshot!(told.value, @r#"
    {
      "creation": "2009-06-19T14:09:39Z",
      "github_username": "ralphbean",
      "gitlab_username": null,
      "givenname": "Ralph",
      "human_name": "Ralph Bean",
      "ircnicks": [
        "irc://libera.chat/threebean"
      ],
      "is_private": false,
      "locale": "en-US",
      "pronouns": [],
      "rssurl": null,
      "rssurls": [],
      "surname": "Bean",
      "timezone": "America/New_York",
      "username": "ralph",
      "website": "https://threebean.org",
      "websites": []
    }
    "#);
    // From what is kept.
    assert_eq!(fas.ask(&Question::Person(name("ralph")), soon()).await.unwrap().unwrap(), told);
    let asked = &server.received_requests().await.unwrap()[0];
    let mask = asked.headers["x-fields"].to_str().unwrap();
    assert!(mask.contains("is_private") && mask.contains("locked"), "{mask}");
    for field in ["mail", "key", "cert"] {
        assert!(!mask.contains(field), "{mask}");
    }
}

fn base64_of(text: &str) -> String {
    BASE64_STANDARD.encode(text)
}

#[tokio::test]
async fn who_wants_to_be_private_is_a_name_whatever_the_server_says() {
    let (new, old) = (MockServer::start().await, MockServer::start().await);
    let mut person = ralph();
    person["is_private"] = true.into();
    says(&new, "/v1/users/ralph/", 200, json!({ "result": person })).await;
    let member = json!({ "username": "ralph", "human_name": "Ralph Bean", "is_private": true });
    says(&new, "/v1/groups/infra/members/", 200, json!({ "result": [member] })).await;
    let mut person = old_ralph();
    person["privacy"] = true.into();
    let person = json!({ "success": true, "person": person });
    says(&old, "/json/person_by_username", 200, person).await;
    let (new, old) = (fas(&new, FasKind::Fasjson), fas(&old, FasKind::Fas2));
    for fas in [&new, &old] {
        let told = fas.ask(&Question::Person(name("ralph")), soon()).await.unwrap().unwrap().value;
        let fields = told.as_object().unwrap();
        let shown: Vec<&str> = fields
            .iter()
            .filter(|(_, value)| !value.is_null() && **value != json!([]))
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(shown, ["creation", "is_private", "username"]);
    }
    let told = new.ask(&Question::Members(name("infra"), 1), soon()).await.unwrap().unwrap();
    assert_eq!(told.value, json!([{ "username": "ralph", "human_name": null }]));
}

#[tokio::test]
async fn pages_are_counted_as_next_page_repeats_itself() {
    let server = MockServer::start().await;
    for (number, who) in [("1", "a"), ("2", "b"), ("3", "c")] {
        let next = format!("{}/v1/groups/infra/members/?page_size=500&page_number=2", server.uri());
        let body = json!({
            "result": [{ "username": who, "human_name": null, "is_private": null }],
            "page": { "total_results": 3, "page_size": 500, "page_number": 1, "total_pages": 3, "next_page": next },
        });
        Mock::given(path("/v1/groups/infra/members/"))
            .and(query_param("page_size", "500"))
            .and(query_param("page_number", number))
            .respond_with(ResponseTemplate::new(200).set_body_json(body))
            .mount(&server)
            .await;
    }
    let fas = fas(&server, FasKind::Fasjson);
    for (part, who) in [(1, "a"), (2, "b"), (3, "c")] {
        let told = fas.ask(&Question::Members(name("infra"), part), soon()).await.unwrap().unwrap();
        assert_eq!((told.parts, &told.value[0]["username"]), (3, &json!(who)));
    }
}

#[tokio::test]
async fn what_is_not_there_or_locked_is_nothing() {
    let server = MockServer::start().await;
    let nobody = json!({ "name": "bob", "message": "User not found" });
    says(&server, "/v1/users/bob/", 404, nobody.clone()).await;
    says(&server, "/v1/users/bob/groups/", 404, nobody).await;
    let none = json!({ "groupname": "x", "message": "Group not found" });
    for at in ["/v1/groups/x/", "/v1/groups/x/members/", "/v1/groups/x/sponsors/"] {
        says(&server, at, 404, none.clone()).await;
    }
    let locked = json!({ "result": { "username": "eve", "locked": true } });
    says(&server, "/v1/users/eve/", 200, locked).await;
    let fas = fas(&server, FasKind::Fasjson);
    for question in [
        Question::Person(name("bob")),
        Question::Person(name("eve")),
        Question::Groups(name("bob"), 1),
        Question::Group(name("x")),
        Question::Members(name("x"), 1),
        Question::Sponsors(name("x")),
    ] {
        assert_eq!(fas.ask(&question, soon()).await, Ok(None), "{question:?}");
    }
}

#[tokio::test]
async fn each_refusal_says_what_to_do_and_none_shows_the_password() {
    for (kind, at) in
        [(FasKind::Fasjson, "/v1/users/ralph/"), (FasKind::Fas2, "/json/person_by_username")]
    {
        for (status, body, code, said) in [
            (
                401,
                json!({ "message": format!("no {PASSWORD}") }),
                401,
                "FAS does not let hubs in as `hubs` (no ***): look at `username` and `password` in `[fas]` of hubs.toml",
            ),
            (
                403,
                json!("x"),
                403,
                "FAS does not let hubs in as `hubs` (it answers 403 without a reason): look at `username` and `password` in `[fas]` of hubs.toml",
            ),
            (
                500,
                json!({ "message": "LDAP server is down" }),
                500,
                "FAS does not answer for `ralph`: LDAP server is down",
            ),
            (
                200,
                json!({ "result": 5, "person": { "x": 1 } }),
                200,
                "what FAS answers for `ralph` is not what it should be: it is in none of",
            ),
        ] {
            let server = MockServer::start().await;
            says(&server, at, status, body).await;
            let refused = fas(&server, kind).ask(&Question::Person(name("ralph")), soon()).await;
            let refused = refused.unwrap_err();
            assert!(refused.to_string().starts_with(said), "{refused}");
            assert_eq!(refused.status(), code);
            assert!(!format!("{refused:?}").contains(PASSWORD), "{refused:?}");
        }
        let server = MockServer::start().await;
        let refused = fas(&server, kind).ask(&Question::Person(name("ralph")), soon()).await;
        let refused = refused.unwrap_err().to_string();
        assert!(
            refused.contains("which answers 404: look at `url` and `kind` in `[fas]`"),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn who_knows_of_a_change_gets_nothing_from_before() {
    let server = MockServer::start().await;
    for human_name in ["Before", "After"] {
        let body = json!({ "result": { "username": "ralph", "human_name": human_name } });
        Mock::given(path("/v1/users/ralph/"))
            .respond_with(ResponseTemplate::new(200).set_body_json(body))
            .up_to_n_times(1)
            .mount(&server)
            .await;
    }
    let (fas, question) = (fas(&server, FasKind::Fasjson), Question::Person(name("ralph")));
    let told = async |fas: &Fas| {
        fas.ask(&question, soon()).await.unwrap().unwrap().value["human_name"].clone()
    };
    let before = Timestamp::now();
    assert_eq!(told(&fas).await, "Before");
    assert_eq!(told(&fas.since(before)).await, "Before");
    assert_eq!(told(&fas.since(Timestamp::now())).await, "After");
    assert_eq!(told(&fas).await, "After");
}

#[tokio::test]
async fn the_old_fas_answers_in_the_shapes_of_the_new_one() {
    let server = MockServer::start().await;
    let person = json!({ "success": true, "person": old_ralph() });
    says(&server, "/json/person_by_username", 200, person).await;
    let group =
        json!({ "id": 1, "name": "infra", "display_name": "Infrastructure", "approved_roles": [] });
    says(&server, "/json/group_by_name", 200, json!({ "success": true, "group": group })).await;
    let people = json!([
        ["ralph", "ralph@example.org", "Ralph Bean", "administrator", 1],
        ["mizmo", "m@example.org", "", "user", 1],
        ["kevin", "k@example.org", "Kevin", "sponsor", 1],
    ]);
    says(&server, "/group/dump/infra", 200, json!({ "people": people })).await;
    let fas = fas(&server, FasKind::Fas2);
    let told = async |question: Question| fas.ask(&question, soon()).await.unwrap().unwrap().value;
    insta::assert_json_snapshot!(told(Question::Person(name("ralph"))).await, @r#"
    {
      "creation": "2009-06-19T14:09:39Z",
      "github_username": null,
      "gitlab_username": null,
      "givenname": null,
      "human_name": "Ralph Bean",
      "ircnicks": [
        "threebean"
      ],
      "is_private": false,
      "locale": "en-US",
      "pronouns": [],
      "rssurl": null,
      "rssurls": [],
      "surname": null,
      "timezone": "America/New_York",
      "username": "ralph",
      "website": null,
      "websites": []
    }
    "#);
    assert_eq!(
        told(Question::Groups(name("ralph"), 1)).await,
        json!([{ "groupname": "infra", "description": "Infrastructure" }])
    );
    assert_eq!(told(Question::Group(name("infra"))).await["description"], "Infrastructure");
    let names = |people: Value| {
        people.as_array().unwrap().iter().map(|it| it["username"].clone()).collect::<Vec<_>>()
    };
    let members = told(Question::Members(name("infra"), 1)).await;
    assert_eq!(members[1], json!({ "username": "mizmo", "human_name": null }));
    assert_eq!(names(members), ["ralph", "mizmo", "kevin"]);
    assert_eq!(names(told(Question::Sponsors(name("infra"))).await), ["ralph", "kevin"]);
    for asked in server.received_requests().await.unwrap() {
        assert!(!asked.url.as_str().contains("pa55"), "{}", asked.url);
    }
}

#[tokio::test]
async fn a_session_of_the_old_fas_stands_for_the_password_until_it_ends() {
    let server = MockServer::start().await;
    let person = |who: &str| {
        let person = json!({ "success": true, "person": { "username": who } });
        ResponseTemplate::new(200).set_body_json(person)
    };
    // The password, then the session; the session is gone; the password again.
    Mock::given(body_string_contains("username=b"))
        .and(header("cookie", "tg-visit=abc"))
        .and(body_string_contains("_csrf_token=a9993e364706816aba3e25717850c26c9cd0d89d"))
        .respond_with(person("b"))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(header("cookie", "tg-visit=abc"))
        .respond_with(ResponseTemplate::new(403).set_body_json(json!({})))
        .expect(1)
        .mount(&server)
        .await;
    let cookie = "tg-visit=abc; Path=/; HttpOnly";
    Mock::given(method("POST"))
        .and(body_string_contains("user_name=hubs&password=pa55%2Bw%26rd&login=Login"))
        .respond_with(person("ralph").insert_header("set-cookie", cookie))
        .expect(2)
        .mount(&server)
        .await;
    let fas = fas(&server, FasKind::Fas2);
    for (asked, found) in [("a", "ralph"), ("b", "b"), ("c", "ralph")] {
        let told = fas.ask(&Question::Person(name(asked)), soon()).await.unwrap().unwrap();
        assert_eq!(told.value["username"], found);
    }
}

#[tokio::test]
async fn the_old_fas_fails_with_status_200() {
    let server = MockServer::start().await;
    let failure = json!({ "exc": "InvalidGroup", "tg_flash": "no such\ngroup" });
    says(&server, "/group/dump/x", 200, failure.clone()).await;
    says(&server, "/group/dump/y", 200, failure).await;
    Mock::given(path("/json/group_by_name"))
        .and(body_string_contains("groupname=x"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "success": false })))
        .mount(&server)
        .await;
    says(&server, "/json/group_by_name", 200, json!({ "success": true, "group": { "name": "y" } }))
        .await;
    says(&server, "/json/person_by_username", 200, json!({ "success": false })).await;
    let fas = fas(&server, FasKind::Fas2);
    assert_eq!(fas.ask(&Question::Members(name("x"), 1), soon()).await, Ok(None));
    assert_eq!(fas.ask(&Question::Person(name("nobody")), soon()).await, Ok(None));
    let refused = fas.ask(&Question::Sponsors(name("y")), soon()).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "FAS does not answer for the sponsors of group `y`: no such group"
    );
}

#[tokio::test]
async fn a_cassette_plays_fas_and_without_a_login_nobody_is_asked() {
    let url = "https://fasjson.fedoraproject.org/v1/users/ralph/";
    let tape = json!({ "exchanges": [{
        "request": { "method": "GET", "url": url },
        "response": { "status": 200, "headers": {}, "json": { "result": ralph() } },
    }] });
    let cassette = Cassette::parse("x.json", &tape.to_string()).unwrap();
    let fas = Fas::on_cassette(&Outbound::replaying(&Sandbox::default(), cassette), None);
    let told = fas.ask(&Question::Person(name("ralph")), soon()).await.unwrap().unwrap();
    assert_eq!(told.value["human_name"], "Ralph Bean");
    let refused = fas.ask(&Question::Person(name("mizmo")), soon()).await.unwrap_err();
    assert!(refused.to_string().contains("is not on the cassette"), "{refused}");
    for fas in [Fas::new(&outbound(), None), Fas::on_cassette(&outbound(), None)] {
        let refused = fas.ask(&Question::Person(name("ralph")), soon()).await.unwrap_err();
        assert_eq!((&refused, refused.status()), (&FasError::Nobody, 0));
    }
}

#[test]
fn names_that_would_lead_elsewhere_are_refused() {
    for good in ["ralph", "a", "0ad", "fi-apprentice", "a.b_c", &"x".repeat(64)] {
        assert!(good.parse::<Name>().is_ok(), "{good}");
    }
    for bad in ["", ".", "..", "-x", "a/b", "a?b", "a b", "ä", "a\n", "%2e", &"x".repeat(65)] {
        assert!(matches!(bad.parse::<Name>(), Err(FasError::NoName(_))), "{bad}");
    }
}
