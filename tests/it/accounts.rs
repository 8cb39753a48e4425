//! Logging in on one's own machine, sessions, and forms that only our pages can send.

use crate::command;
use crate::harness::TestHouse;
use crate::visitor::Visitor;
use reqwest::{Method, header};

const PRIVATE: &str = "[auth]\nadmins = [\"root\"]\n\
    [[hub]]\nname = \"open\"\nowners = [\"duffy\"]\n\
    [[hub]]\nname = \"closed\"\nsummary = \"A plan\"\nowners = [\"duffy\"]\nmembers = [\"ralph\"]\nvisibility = \"private\"\n\
    [[hub.widget]]\nwidget = \"about\"\nconfig = { text = \"a secret\" }\n";

#[tokio::test(flavor = "multi_thread")]
async fn somebody_picks_a_name_and_is_that_person() {
    let house = TestHouse::demo().await;
    let mut visitor = Visitor::of(&house);
    let page = visitor.get("/designteam").await;
    assert!(page.text.contains("href=\"/login?next=/designteam\""), "{}", page.text);
    let page = visitor.get("/login?next=/designteam").await;
    let text = page.plain();
    assert!(text.contains("No password is asked for"), "{text}");
    assert!(page.text.contains("name=\"username\" value=\"duffy\""), "people are offered");
    let said = visitor.post("/login", &[("username", "duffy"), ("next", "/designteam")]).await;
    assert_eq!((said.status, said.goes_to()), (303, "/designteam"));
    let cookie = said.header("set-cookie");
    assert!(cookie.contains("; HttpOnly; SameSite=Lax") && !cookie.contains("Secure"), "{cookie}");
    let page = visitor.get("/designteam").await;
    assert!(page.text.contains("action=\"/logout\"") && page.plain().contains("duffy"));
    assert_eq!(page.header("cache-control"), "private, no-cache");
    let first = visitor.get("/").await;
    assert_eq!((first.status, first.goes_to()), (303, "/duffy"), "one's own hub comes first");
    assert_eq!(visitor.get("/?q=").await.status, 200, "all hubs are a search for nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_for_the_first_time_gets_a_hub_that_others_hear_of() {
    let house = TestHouse::with(&[(
        "hubs.toml",
        "[[hub]]\nname = \"team\"\n[user_hub]\nwidgets = [{ widget = \"about\", config = { text = \"I am {username}\" } }]\n",
    )])
    .await;
    let mut visitor = Visitor::named(&house, "newcomer").await;
    let (page, at) = {
        let first = visitor.get("/").await;
        visitor.follow(first, "/").await
    };
    assert!(at.ends_with("/newcomer") && page.status == 200, "{at}");
    house.idle().await;
    assert!(visitor.get("/newcomer").await.text.contains("I am newcomer"));
    let told = visitor.get_json("/newcomer/json").await.json();
    assert_eq!((&told["kind"], &told["owners"][0]), (&"user".into(), &"newcomer".into()));
    assert_eq!(told["viewer"]["may_edit"], true);
    // Once more, and it is the same one.
    Visitor::named(&house, "newcomer").await;
    assert_eq!(
        visitor.get_json("/newcomer/json").await.json()["widgets"].as_array().unwrap().len(),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_s_name_makes_nobody_its_owner() {
    let house = TestHouse::demo().await;
    let mut visitor = Visitor::named(&house, "designteam").await;
    let told = visitor.get_json("/designteam/json").await.json();
    assert_eq!((&told["kind"], &told["viewer"]["may_edit"]), (&"group".into(), &false.into()));
    assert_eq!(visitor.get("/").await.status, 200, "they have no hub of their own");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_can_t_be_one_is_told_beside_its_field() {
    let house = TestHouse::demo().await;
    let mut visitor = Visitor::of(&house);
    for (name, said) in [
        ("", "`` is no name of a hub: 1 to 50 of a-z"),
        ("<b>x</b>", "`<b>x</b>` is no name of a hub"),
        ("metrics", "`metrics` can't be the name of a hub"),
    ] {
        let page = visitor.post("/login", &[("username", name)]).await;
        assert_eq!(page.status, 400, "{name}");
        assert!(page.plain().contains(said) && !page.text.contains("<b>x"), "{}", page.text);
        assert!(visitor.cookie("hubs").is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_without_a_password_is_for_the_machine_itself() {
    let house = TestHouse::demo().await;
    let mut visitor = Visitor::of(&house);
    for method in [Method::GET, Method::POST] {
        let request = visitor.request(method.clone(), "/login").header("accept", "text/html");
        let request = request.header("x-forwarded-for", "192.0.2.1").body("username=duffy");
        let said = visitor.send(request).await;
        assert_eq!(said.status, 403, "{method}");
        assert!(said.plain().contains("Logging in without a password is for the machine itself"));
    }
    let request = visitor.request(Method::GET, "/login").header("host", "evil.example");
    assert_eq!(visitor.send(request).await.status, 403, "a name that was rebound to this machine");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_back_never_leads_to_another_site() {
    let house = TestHouse::demo().await;
    for next in ["//evil.example", "https://evil.example/", "/\\evil.example", "/login"] {
        let said =
            Visitor::of(&house).post("/login", &[("username", "duffy"), ("next", next)]).await;
        assert_eq!((said.status, said.goes_to()), (303, "/"), "{next}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_logs_out_is_nobody_and_so_is_their_cookie() {
    let house = TestHouse::demo().await;
    let mut visitor = Visitor::named(&house, "duffy").await;
    let cookie = visitor.cookie("hubs").unwrap().to_owned();
    let said = visitor.post("/logout", &[]).await;
    assert_eq!((said.status, said.goes_to()), (303, "/"));
    assert!(visitor.cookie("hubs").is_none());
    visitor.set_cookie("hubs", &cookie);
    assert!(!visitor.get("/designteam").await.text.contains("action=\"/logout\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_login_ends_the_one_before_and_has_a_cookie_of_its_own() {
    let house = TestHouse::demo().await;
    let mut visitor = Visitor::named(&house, "duffy").await;
    let before = visitor.cookie("hubs").unwrap().to_owned();
    visitor.post("/login", &[("username", "ralph")]).await;
    assert_ne!(visitor.cookie("hubs").unwrap(), before);
    visitor.set_cookie("hubs", &before);
    assert!(!visitor.get("/designteam").await.text.contains("action=\"/logout\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_site_sends_changes_nothing() {
    let house = TestHouse::demo().await;
    let mut visitor = Visitor::named(&house, "duffy").await;
    let token = visitor.form_token().await;
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let request = visitor.request(Method::POST, "/logout").header("accept", "text/html");
        let request = request.header(name, value).form(&[("csrf", &token)]);
        let said = visitor.send(request).await;
        assert_eq!(said.status, 403, "{name}: {value}");
        assert!(said.plain().contains("sent by a page of another site, so nothing was changed"));
    }
    assert!(visitor.get("/designteam").await.text.contains("action=\"/logout\""));
    // And nobody is logged in by force.
    let mut victim = Visitor::of(&house);
    let request = victim.request(Method::POST, "/login").header("origin", "https://evil.example");
    let said = victim.send(request.form(&[("username", "mallory")])).await;
    assert_eq!((said.status, victim.cookie("hubs")), (403, None));
    assert!(said.json()["error"].as_str().unwrap().contains("another site"), "a program gets JSON");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_without_its_token_changes_nothing() {
    let house = TestHouse::demo().await;
    let mut visitor = Visitor::named(&house, "duffy").await;
    let mut other = Visitor::named(&house, "duffy").await;
    let (own, others) = (visitor.form_token().await, other.form_token().await);
    assert!(own.len() > 40 && own != others, "each session has its own");
    let post = |visitor: &Visitor| visitor.request(Method::POST, "/logout");
    let wrong = [
        post(&visitor),
        post(&visitor).form(&[("csrf", "")]),
        post(&visitor).form(&[("csrf", &others)]),
        post(&visitor).header("x-csrf-token", &others),
        post(&visitor)
            .header("content-type", "application/json")
            .body(format!("{{\"csrf\":\"{own}\"}}")),
        post(&visitor).header("content-type", "text/plain").body(format!("csrf={own}")),
    ];
    for request in wrong {
        let said = visitor.send(request).await;
        assert_eq!(said.status, 403);
        assert!(
            said.json()["error"].as_str().unwrap().starts_with("Nothing was changed: the page")
        );
    }
    let said =
        visitor.send(post(&visitor).form(&[("csrf", &own), ("x", &"y".repeat(1 << 20))])).await;
    assert_eq!(said.status, 413, "{}", said.text);
    let said = visitor.send(post(&visitor).header("x-csrf-token", &own)).await;
    assert_eq!(said.status, 303, "a script sends it as a header");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_changes_something_is_outside_the_guard() {
    let house = TestHouse::demo().await;
    let signed = ["/hooks/github", "/api/messages"];
    let changing = hubs::web::listed().into_iter().filter(|route| route.method != "GET");
    let mut seen = 0;
    for route in changing {
        seen += 1;
        let path = route.path.replace("{hub}", "designteam").replace("{id}", "1");
        let visitor = Visitor::named(&house, "duffy").await;
        let request =
            visitor.request(Method::POST, &path).header(header::ORIGIN, "https://evil.example");
        let answer = request.send().await.unwrap();
        let said = answer.text().await.unwrap();
        assert_eq!(
            said.contains("another site"),
            !signed.contains(&route.path),
            "{route:?}: {said}"
        );
    }
    assert!(seen >= 4, "the routes are listed");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_tries_too_often_has_to_wait() {
    let house = TestHouse::demo().await;
    let mut visitor = Visitor::of(&house);
    let mut last = None;
    for _ in 0..200 {
        let said = visitor.post("/login", &[("username", "NOBODY")]).await;
        if said.status == 429 {
            last = Some(said);
            break;
        }
    }
    let said = last.expect("there is an end to it");
    assert!(said.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert!(said.plain().contains("too many tries to log in"), "{}", said.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_hub_is_there_for_its_members_and_admins() {
    let house = TestHouse::with(&[("hubs.toml", PRIVATE)]).await;
    for (name, sees) in [("duffy", true), ("ralph", true), ("root", true), ("mallory", false)] {
        let mut visitor = Visitor::named(&house, name).await;
        visitor.get("/closed").await;
        house.idle().await;
        let page = visitor.get("/closed").await;
        assert_eq!((page.status == 200, page.text.contains("a secret")), (sees, sees), "{name}");
        assert_eq!(visitor.get("/?q=").await.text.contains("closed"), sees, "{name}");
        if sees {
            assert_eq!(page.header("cache-control"), "private, no-store");
        } else {
            assert!(page.plain().contains("There is no hub `closed`, or it is not for you."));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_logged_in_is_listed_and_sent_away_on_the_command_line() {
    let house = TestHouse::demo().await;
    let hubs = |arguments: &[&str]| command::check(&house.path(""), arguments);
    assert!(hubs(&["session", "list"]).contains("nobody is logged in"));
    let mut duffy = Visitor::named(&house, "duffy").await;
    let mut ralph = Visitor::named(&house, "ralph").await;
    let secret = duffy.cookie("hubs").unwrap().to_owned();
    let listed = hubs(&["session", "list"]);
    assert!(listed.contains("duffy") && listed.contains("ralph") && !listed.contains(&secret));
    let lines = hubs(&["session", "list", "--format", "json"]);
    let id = |name: &str| -> String {
        let line =
            lines.lines().find(|line| line.contains(&format!("\"username\":\"{name}\""))).unwrap();
        line.split("\"id\":\"").nth(1).unwrap().split('"').next().unwrap().into()
    };
    assert!(hubs(&["session", "revoke", &id("duffy")]).contains("1 session has ended"));
    assert!(!duffy.get("/designteam").await.text.contains("action=\"/logout\""));
    assert!(ralph.get("/designteam").await.text.contains("action=\"/logout\""));
    let none = hubs(&["session", "revoke", &id("duffy")]);
    assert!(none.contains("no session is meant by that; `hubs session list` names them"), "{none}");
    Visitor::named(&house, "duffy").await;
    let many = hubs(&["session", "revoke", ""]);
    assert!(many.contains("`` is the beginning of 2 sessions: give more of it"), "{many}");
    assert!(hubs(&["session", "revoke", "--all"]).contains("2 sessions have ended"));
    let nowhere = tempfile::tempdir().unwrap();
    let said = command::check(nowhere.path(), &["session", "list"]);
    assert!(
        said.contains("there is no store at sqlite:var/hubs.db yet, so nobody is logged in"),
        "{said}"
    );
    assert!(!nowhere.path().join("var").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_https_a_cookie_is_of_this_host_alone() {
    let house =
        TestHouse::with(&[("hubs.toml", "[server]\npublic_url = \"https://hubs.example.org/\"\n")])
            .await;
    let mut visitor = Visitor::of(&house);
    let log_in =
        |visitor: &Visitor| visitor.request(Method::POST, "/login").form(&[("username", "duffy")]);
    for foreign in ["http://hubs.example.org", "https://hubs.example.org.evil.example"] {
        assert_eq!(
            visitor.send(log_in(&visitor).header("origin", foreign)).await.status,
            403,
            "{foreign}"
        );
    }
    let said = visitor.send(log_in(&visitor)).await;
    let cookie = said.header("set-cookie");
    assert!(cookie.starts_with("__Host-hubs=") && cookie.ends_with("; Secure"), "{cookie}");
    assert!(visitor.get("/duffy").await.text.contains("action=\"/logout\""));
    let plain = visitor.cookie("__Host-hubs").unwrap().to_owned();
    let mut other = Visitor::of(&house);
    other.set_cookie("hubs", &plain);
    assert!(
        !other.get("/duffy").await.text.contains("action=\"/logout\""),
        "a cookie of plain http is none"
    );
}
