//! Logging in at a certified provider, `oidc-provider`, as a browser does it.

use crate::chromium::driver;
use crate::command;
use crate::harness::{PATIENCE, TestHouse, have};
use crate::visitor::{Said, Visitor};
use fantoccini::Locator;
use reqwest::Method;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// Where its modules are: `HUBS_TEST_OIDC_PROVIDER`, or where `.ci/run` puts them.
fn modules() -> PathBuf {
    let built = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/oidc-provider");
    std::env::var_os("HUBS_TEST_OIDC_PROVIDER").map_or(built, PathBuf::from)
}

struct Provider {
    child: Child,
    address: String,
}

impl Provider {
    /// `None` where there is none.
    fn start() -> Option<Self> {
        let modules = modules();
        if !have("oidc-provider", modules.join("node_modules/oidc-provider").is_dir()) {
            return None;
        }
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oidc/provider.mjs");
        let mut child = Command::new("node")
            .arg(script)
            .arg(modules)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("node runs what npm has installed");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = format!("http://127.0.0.1:{}", line.trim());
        Some(Self { child, address })
    }

    async fn control(&self, wish: Value) {
        let sent = reqwest::Client::new().post(format!("{}/control", self.address)).json(&wish);
        assert_eq!(sent.send().await.unwrap().status(), 200);
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const CONFIDENTIAL: &str = "client_id = \"hubs\"\nclient_secret = \"hubs-test-secret\"\n";
const PUBLIC: &str = "client_id = \"hubs-public\"\n";

/// A house whose people log in at a provider, with a private hub of duffy's.
async fn house(client: &str) -> Option<(TestHouse, Provider)> {
    let provider = Provider::start()?;
    let file = format!(
        "[auth]\nkind = \"oidc\"\nissuer = \"{}/openidc\"\n{client}scopes = [\"profile\", \"https://id.fedoraproject.org/scope/groups\"]\n\
         admins = [\"ralph\"]\nadmin_groups = [\"sysadmin-main\"]\n\
         [user_hub]\nwidgets = []\n\
         [[hub]]\nname = \"team\"\nowners = [\"duffy\"]\n\
         [[hub]]\nname = \"closed\"\nowners = [\"duffy\"]\nvisibility = \"private\"\n",
        provider.address
    );
    let house = TestHouse::with(&[("hubs.toml", &file)]).await;
    provider.control(json!({ "hubs": house.url("") })).await;
    Some((house, provider))
}

/// Goes wherever one is sent, fills in the forms of the provider, and says where that ended.
async fn fill_in(visitor: &mut Visitor, said: Said, from: &str, name: &str) -> (Said, String) {
    let (mut page, mut here) = visitor.follow(said, from).await;
    for _ in 0..4 {
        let Some(action) =
            page.text.split("action=\"").nth(1).and_then(|rest| rest.split('"').next())
        else {
            break;
        };
        if !here.contains("/openidc/") {
            break;
        }
        let prompt = if page.text.contains("name=\"login\"") { "login" } else { "consent" };
        let fields = [("prompt", prompt), ("login", name), ("password", "any")];
        let request = visitor.request(Method::POST, action).header("accept", "text/html");
        let answer = visitor.send(request.form(&fields)).await;
        (page, here) = visitor.follow(answer, &here).await;
    }
    (page, here)
}

async fn log_in(visitor: &mut Visitor, name: &str, next: &str) -> (Said, String) {
    let from = format!("/login?next={next}");
    let said = visitor.get(&from).await;
    assert_eq!(said.status, 303, "{}", said.text);
    fill_in(visitor, said, &from, name).await
}

/// Until the provider sends somebody back: the address of the callback, not gone to.
async fn until_the_callback(visitor: &mut Visitor, name: &str) -> String {
    let first = visitor.get("/login?next=/team").await;
    let (mut said, mut here) = (first, "/login".to_owned());
    for _ in 0..20 {
        if (300..400).contains(&said.status) {
            let to = said.goes_to().to_owned();
            if to.contains("/login/callback") {
                return to;
            }
            here = reqwest::Url::parse("http://127.0.0.1/")
                .unwrap()
                .join(&here)
                .unwrap()
                .join(&to)
                .unwrap()
                .into();
            said = visitor.get(&here).await;
            continue;
        }
        let action = said
            .text
            .split("action=\"")
            .nth(1)
            .expect("a form")
            .split('"')
            .next()
            .unwrap()
            .to_owned();
        let prompt = if said.text.contains("name=\"login\"") { "login" } else { "consent" };
        let fields = [("prompt", prompt), ("login", name), ("password", "any")];
        said = visitor.send(visitor.request(Method::POST, &action).form(&fields)).await;
    }
    panic!("no way back")
}

fn is_logged_in(page: &Said, name: &str) -> bool {
    page.text.contains(&format!("aria-label=\"Your account, {name}\""))
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_logs_in_and_comes_back_to_where_they_were() {
    for client in [CONFIDENTIAL, PUBLIC] {
        let Some((house, _provider)) = house(client).await else { return };
        let mut visitor = Visitor::of(&house);
        let begun = visitor.get("/login?next=/team").await;
        let there = begun.goes_to();
        for part in [
            "code_challenge_method=S256",
            "code_challenge=",
            "state=",
            "nonce=",
            "response_type=code",
        ] {
            assert!(there.contains(part), "{part} in {there}");
        }
        assert_eq!(begun.header("cache-control"), "no-store");
        let (page, here) = log_in(&mut visitor, "duffy", "/team").await;
        assert_eq!(here, house.url("/team"));
        assert!(is_logged_in(&page, "duffy"), "{}", page.text);
        let told = visitor.get_json("/team/json").await.json();
        assert_eq!(
            (&told["viewer"]["username"], &told["viewer"]["may_edit"]),
            (&"duffy".into(), &true.into())
        );
        let own = visitor.get_json("/duffy/json").await.json();
        assert_eq!((&own["summary"], &own["owners"][0]), (&"Máirín".into(), &"duffy".into()));
        assert_eq!(visitor.get("/closed").await.status, 200);
        assert_eq!(Visitor::of(&house).get("/closed").await.status, 404);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn admins_are_named_or_of_a_group_and_alone_see_what_is_wrong() {
    let Some((house, _provider)) = house(CONFIDENTIAL).await else { return };
    for (name, is_admin) in [("ralph", true), ("smooge", true), ("duffy", false)] {
        let mut visitor = Visitor::of(&house);
        log_in(&mut visitor, name, "/team").await;
        let told = visitor.get_json("/team/json").await.json();
        assert_eq!(told["viewer"]["may_edit"], is_admin || name == "duffy", "{name}");
        let gallery = visitor.get("/widgets/about").await;
        assert_eq!(gallery.text.contains("data-preview"), is_admin, "{name}");
    }
    let stranger = Visitor::of(&house).get("/widgets/about").await;
    assert!(!stranger.text.contains("data-preview"), "this machine is no reason here");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_logs_out_is_offered_to_log_out_at_the_provider_too() {
    let Some((house, _provider)) = house(CONFIDENTIAL).await else { return };
    let mut visitor = Visitor::of(&house);
    log_in(&mut visitor, "duffy", "/team").await;
    let said = visitor.post("/logout", &[]).await;
    let text = said.plain();
    assert!(said.status == 200 && text.contains("You are logged out"), "{text}");
    assert_eq!(visitor.cookie("hubs"), None);
    let link = said.text.split("href=\"").find(|rest| rest.contains("/session/end")).unwrap();
    let link = link.split('"').next().unwrap().replace("&amp;", "&").replace("&#x2F;", "/");
    assert!(
        link.contains("id_token_hint=") && link.contains("post_logout_redirect_uri="),
        "{link}"
    );
    let page = visitor.get(&link).await;
    assert!(page.status == 200 && page.text.contains("logout"), "{}", page.text);
    assert!(!is_logged_in(&visitor.get("/team").await, "duffy"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_no_is_told_that_nothing_happened() {
    let Some((house, provider)) = house(CONFIDENTIAL).await else { return };
    let mut visitor = Visitor::of(&house);
    let said = visitor.get("/login?next=/team").await;
    let (_, here) = visitor.follow(said, "/login").await;
    let abort = format!("{here}/abort");
    assert!(abort.starts_with(&provider.address));
    let said = visitor.get(&abort).await;
    let (page, here) = visitor.follow(said, &abort).await;
    assert!(here.contains("/login/callback?error=access_denied"), "{here}");
    let text = page.plain();
    assert!(
        text.contains("You did not allow 127.0.0.1 to tell who you are, so you are not logged in."),
        "{text}"
    );
    assert!(page.text.contains("href=\"/login\""), "there is a way on");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_counts_once_and_in_its_own_browser() {
    let Some((house, _provider)) = house(CONFIDENTIAL).await else { return };
    let says = "This login did not begin in this browser, was used before, or took longer";
    // Somebody is made to follow another's way back.
    let mut mallory = Visitor::of(&house);
    let callback = until_the_callback(&mut mallory, "duffy").await;
    let mut victim = Visitor::of(&house);
    let page = victim.get(&callback).await;
    assert!(page.status == 400 && page.plain().contains(says), "{}", page.plain());
    assert_eq!(victim.cookie("hubs"), None);
    // Then it is spent for everybody.
    assert_eq!(mallory.get(&callback).await.status, 400);

    let mut visitor = Visitor::of(&house);
    let callback = until_the_callback(&mut visitor, "duffy").await;
    assert_eq!(visitor.get(&callback).await.goes_to(), "/team");
    let again = visitor.get(&callback).await;
    assert!(again.status == 400 && again.plain().contains(says));
    assert!(is_logged_in(&again, "duffy"), "who is logged in stays so");
    for made_up in ["/login/callback", "/login/callback?code=x", "/login/callback?code=x&state=y"] {
        assert_eq!(Visitor::of(&house).get(made_up).await.status, 400, "{made_up}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_the_provider_does_not_know_logs_nobody_in() {
    let Some((house, _provider)) = house(CONFIDENTIAL).await else { return };
    let mut visitor = Visitor::of(&house);
    let callback = until_the_callback(&mut visitor, "duffy").await;
    let (before, rest) = callback.split_once("code=").unwrap();
    let forged = format!("{before}code=x{rest}");
    let page = visitor.get(&forged).await;
    assert_eq!(page.status, 502);
    assert!(
        page.plain().contains("was used before, or is too old. Begin again."),
        "{}",
        page.plain()
    );
    let callback = until_the_callback(&mut visitor, "duffy").await;
    let (before, _) = callback.split_once("iss=").unwrap();
    let page = visitor.get(&format!("{before}iss=https%3A%2F%2Fevil.example")).await;
    assert!(
        page.plain().contains("what answers calls itself https://evil.example"),
        "{}",
        page.plain()
    );
    assert_eq!(visitor.cookie("hubs"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_need_the_token_where_a_proxy_may_stand_before_us() {
    let Some((house, _provider)) = house(CONFIDENTIAL).await else { return };
    let (status, said) = house.post("{}").await;
    assert_eq!(status, 401);
    assert!(
        said["error"].as_str().unwrap().contains("wherever people log in at a provider, send"),
        "{said}"
    );
    let (status, _) = house.get("/api/kindness").await;
    assert_eq!(status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn new_keys_of_the_provider_are_found() {
    let Some((house, provider)) = house(CONFIDENTIAL).await else { return };
    log_in(&mut Visitor::of(&house), "duffy", "/team").await;
    provider.control(json!({ "rotate": true })).await;
    let (page, _) = log_in(&mut Visitor::of(&house), "duffy", "/team").await;
    assert!(is_logged_in(&page, "duffy"), "{}", page.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_provider_is_away_everything_public_is_there() {
    let Some((house, provider)) = house(CONFIDENTIAL).await else { return };
    provider.control(json!({ "down": true })).await;
    let mut visitor = Visitor::of(&house);
    let page = visitor.get("/login?next=/team").await;
    assert_eq!(page.status, 503);
    let text = page.plain();
    assert!(
        text.contains("where people log in, does not answer just now (it answers 503"),
        "{text}"
    );
    assert_eq!(visitor.get("/team").await.status, 200);
    provider.control(json!({ "down": false })).await;
    let (page, _) = log_in(&mut visitor, "duffy", "/team").await;
    assert!(is_logged_in(&page, "duffy"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_whose_name_is_no_hub_s_is_told_so() {
    let Some((house, _provider)) = house(CONFIDENTIAL).await else { return };
    let (page, _) = log_in(&mut Visitor::of(&house), "Mallory X", "/team").await;
    assert_eq!(page.status, 403);
    let text = page.plain();
    assert!(
        text.contains("Your account is called `Mallory X`, but `Mallory X` is no name of a hub"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_over_leads_to_the_login_and_back() {
    let Some((house, _provider)) = house(CONFIDENTIAL).await else { return };
    let mut visitor = Visitor::of(&house);
    log_in(&mut visitor, "duffy", "/team").await;
    let token = visitor.form_token().await;
    // Somebody revokes it while a page is open.
    let revoked = command::check(&house.path(""), &["session", "revoke", "--user", "duffy"]);
    assert!(revoked.contains("1 session has ended"), "{revoked}");
    assert!(!is_logged_in(&visitor.get("/team").await, "duffy"));
    assert_eq!(visitor.get("/closed").await.status, 404);
    let form = visitor.request(Method::POST, "/api/hub/team/star").header("accept", "text/html");
    let said = visitor.send(form.form(&[("csrf", &token)])).await;
    assert_eq!((said.status, said.goes_to()), (303, "/login?next=/team&again=1"));
    let page = visitor.get(said.goes_to()).await;
    assert!(
        page.status == 200 && page.plain().contains("You are not logged in"),
        "{}",
        page.plain()
    );
    assert!(page.text.contains("href=\"/login?next=/team\""), "{}", page.text);
    let (page, here) = log_in(&mut visitor, "duffy", "/team").await;
    assert!(is_logged_in(&page, "duffy") && here == house.url("/team"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_logs_in_takes_a_role_and_logs_out() {
    let Some(driver) = driver() else { return };
    let Some((house, _provider)) = house(CONFIDENTIAL).await else { return };
    let browser = driver.browser().await;
    browser.goto(&house.url("/team")).await.unwrap();
    // Each press leads to another page, on which the next one waits.
    let press = async |css: &str| {
        let there = browser.wait().at_most(PATIENCE).for_element(Locator::Css(css)).await;
        there.unwrap_or_else(|error| panic!("{css}: {error}")).click().await.unwrap();
    };
    press("a.log-in").await;
    for (field, typed) in [("login", "ralph"), ("password", "any")] {
        press(&format!("input[name={field}]")).await;
        browser.active_element().await.unwrap().send_keys(typed).await.unwrap();
    }
    press("button[type=submit]").await;
    press("form:has(input[name=prompt][value=consent]) button[type=submit]").await;
    press("form[action='/api/hub/team/star'] button").await;
    let unstar = "form[action='/api/hub/team/unstar'] button";
    browser.wait().at_most(PATIENCE).for_element(Locator::Css(unstar)).await.unwrap();
    assert_eq!(browser.current_url().await.unwrap().as_str(), house.url("/team"));
    assert_eq!(house.json("/team/json").await["stargazers"], json!(["ralph"]));
    // A form that is sent when the session is over leads to a page with a link: the policy of pages lets it no further.
    command::check(&house.path(""), &["session", "revoke", "--all"]);
    press(unstar).await;
    press("main a[href='/login?next=/team']").await;
    press("#account summary").await;
    press("form[action='/logout'] button").await;
    press("main a[href*='/session/end']").await;
    let confirm = Locator::Css("form[action*='/session/end/confirm']");
    browser.wait().at_most(PATIENCE).for_element(confirm).await.unwrap();
    browser.close().await.unwrap();
}
