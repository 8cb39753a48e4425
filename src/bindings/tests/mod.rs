//! Bindings, called from scripts as widgets call them.

mod documents;

use super::*;
use crate::config::Limits;
use crate::hub::{Config, Hub, HubKind, InstanceId, Placed, Visibility};
use crate::message::parse_line;
use crate::script::{Argument, Call, Failure, FailureKind, LimitName, Pool, Source};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{header, path, query_param},
};

fn noon() -> Timestamp {
    "2026-05-05T12:00:00Z".parse().unwrap()
}

fn hub(name: &str, visibility: Visibility) -> Hub {
    Hub {
        name: name.parse().unwrap(),
        kind: HubKind::Group,
        summary: format!("The {name}"),
        avatar: String::new(),
        banner: String::new(),
        left_width: 8,
        visibility,
        archived: false,
        owners: vec!["ralph".into()],
        members: vec!["mizmo".into()],
        subscribers: vec![],
        stargazers: vec![],
        created_at: noon(),
        last_active: noon(),
    }
}

/// Everything that bindings reach into, empty.
pub(super) async fn host(sandbox: Sandbox) -> Host {
    let outbound = Outbound::new(&sandbox).unwrap();
    Host {
        fas: Fas::new(&outbound, None),
        github: Github::anonymous(&outbound),
        outbound,
        datanommer: Datanommer::open("sqlite::memory:").await.unwrap(),
        cache: Cache::memory(),
        store: Store::open("sqlite::memory:").await.unwrap(),
        runtime: Handle::current(),
        sandbox,
    }
}

/// A script thread with everything behind it, and a server that scripts may reach.
struct Bench {
    pool: Pool,
    server: MockServer,
    host: Host,
}

impl Bench {
    async fn new() -> Self {
        let sandbox = Sandbox {
            allow_private_addresses: true,
            max_requests: 4,
            max_response_bytes: 4096,
            ..Sandbox::default()
        };
        let (mut host, server) = (host(sandbox).await, MockServer::start().await);
        let url = server.uri().parse().unwrap();
        let settings = crate::config::Github { url, ..Default::default() };
        host.github = Github::new(&host.outbound, &settings);
        let pool = Pool::start(Tier::Data, Limits::data(), 1, Some(install(host.clone())));
        Self { pool, server, host }
    }

    async fn call(&self, body: &str) -> Result<Value, Failure> {
        let body = body.replace("HOME", &self.server.uri());
        let source =
            Arc::new(Source::new("widgets/x.rhai", format!("fn data() {{\n{body}\n}}"), vec![]));
        let call = Call {
            widget: Some("badges".parse().unwrap()),
            hosts: [self.server.address().to_string()].into(),
            ..Call::at(noon())
        };
        let job = move |it: &mut crate::script::Interpreter| it.call(&source, "data", &[], &call);
        self.pool.run(job, Duration::from_mins(1)).await.unwrap()
    }

    async fn check(&self, cases: &[(&str, Value)]) {
        for (body, expected) in cases {
            let found = self.call(body).await.map_err(|failure| failure.to_string());
            assert_eq!(found.as_ref(), Ok(expected), "{body}");
        }
    }

    async fn refuses(&self, cases: &[(&str, &str)]) {
        for (body, expected) in cases {
            let said = self.call(body).await.unwrap_err().to_string();
            assert!(said.contains(expected), "{body}: {said}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_lists_and_times_do_what_their_docs_say() {
    let bench = Bench::new().await;
    bench
        .check(&[
            ("commas(1234567)", json!("1,234,567")),
            ("[\"a\", \"b\", \"c\"].series()", json!("a, b, and c")),
            ("sha256(\"a\").sub_string(0, 8)", json!("ca978112")),
            ("md5(\"a\")", json!("0cc175b9c0f1b6a831c399e269772661")),
            ("percent_encode(\"a b/ü\")", json!("a%20b%2F%C3%BC")),
            ("\"a=b=c\".split_once(\"=\")", json!(["a", "b=c"])),
            ("\"a=b=c\".rsplit_once(\"=\")", json!(["a=b", "c"])),
            ("\"abc\".split_once(\"=\")", json!(["abc", ""])),
            ("\"rpms/kernel\".strip_prefix(\"rpms/\")", json!("kernel")),
            ("[1, \"b\", [2]].join(\" \")", json!("1 b [2]")),
            ("markdown(\"*a* <script>x</script>\")", json!("<p><em>a</em> </p>\n")),
            ("#{ l: [#{ n: 2 }, #{ n: 1 }, #{ n: 10 }, #{ }] }.l.sorted_by(\"n\").map(|x| x.get(\"n\"))", json!([1, 2, 10, null])),
            ("[#{ a: #{ b: \"y\" } }, #{ a: #{ b: \"x\" } }].sorted_by(\"a.b\").map(|x| x.a.b)", json!(["x", "y"])),
            ("[1, 2, 3].reversed().first(2)", json!([3, 2])),
            ("[1].first(9)", json!([1])),
            ("[3, 1, 3, \"a\", \"a\"].unique()", json!([3, 1, "a"])),
            (
                "[#{ k: 1, n: 1 }, #{ k: 2, n: 2 }, #{ k: 1, n: 3 }].group_by(\"k\").map(|g| [g.key, g.items.len()])",
                json!([[1, 2], [2, 1]]),
            ),
            ("now()", json!("2026-05-05T12:00:00Z")),
            ("humanize(\"2026-05-05T09:00:00Z\")", json!("3 h ago")),
            ("humanize(1777982400)", json!("just now")),
            ("parse_time(\"2026-05-05 12:00:00\")", json!("2026-05-05T12:00:00Z")),
            ("seconds(now()) - seconds(\"2026-05-05\")", json!(43200)),
            (
                "local_time(now(), \"Europe/Prague\")",
                json!({ "zone": "Europe/Prague", "place": "Prague", "time": "14:00", "day": "Tuesday", "ahead": "UTC+2" }),
            ),
            ("local_time(now(), \"America/St_Johns\").ahead", json!("UTC−2:30")),
            ("local_time(now(), \"Pacific/Auckland\").day", json!("Wednesday")),
            ("local_time(now(), \"Etc/UTC\").ahead", json!("UTC")),
            ("local_time(now(), \"../../etc/passwd\")", json!(null)),
            (
                "avatar(\"ralph\")",
                json!("https://seccdn.libravatar.org/avatar/9c9f7784935381befc302fe3c814f9136e7a33953d0318761669b8643f4df55c?s=64&d=retro"),
            ),
            ("avatar(\"a@b.org\", 9999).ends_with(\"?s=512&d=retro\")", json!(true)),
            ("log(\"a\", 1, [2], #{}); 1", json!(1)),
        ])
        .await;
    bench.refuses(&[("humanize(\"soon\")", "`soon` is no time: `2026-05-05T12:00:00Z`")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_read_whatever_its_status() {
    let bench = Bench::new().await;
    let user = json!({ "assertions": [{ "name": "Something" }], "total": 1 });
    let asked =
        Mock::given(path("/user/ralph/json")).and(query_param("page", "2")).and(header("x-a", "b"));
    asked.respond_with(ResponseTemplate::new(200).set_body_json(&user)).mount(&bench.server).await;
    let gone = Mock::given(path("/gone"));
    gone.respond_with(ResponseTemplate::new(404).set_body_string("nobody"))
        .mount(&bench.server)
        .await;
    bench
        .check(&[
            (
                "let r = http::get(\"HOME/user/ralph/json\", #{ query: #{ page: 2 }, headers: #{ \"x-a\": \"b\" } }); [r.status, r.ok, r.json(), r.headers[\"content-type\"]]",
                json!([200, true, user, "application/json"]),
            ),
            ("let r = http::get(\"HOME/gone\"); [r.status, r.ok, r.text()]", json!([404, false, "nobody"])),
            ("http::get_all([\"HOME/gone\", \"HOME/nowhere\"]).map(|r| r.text())", json!(["nobody", ""])),
            (
                "let r = []; try { http::get(\"https://example.org/\"); } catch (e) { r = [e.service, e.status]; } r",
                json!(["http", 0]),
            ),
        ])
        .await;
    bench
        .refuses(&[
            (
                "http::get(\"https://example.org/\")",
                "http: `example.org` is not in the script's HOSTS",
            ),
            ("http::get(\"HOME/gone\").json()", "http answered 404: `"),
            ("http::get(\"HOME/gone\").body", "a response has no `body`; it has `status`, `ok`"),
            ("http::get(\"HOME/gone\", #{ header: 1 })", "`http::get` has no option `header`"),
            ("http::get_all([1])", "takes a list of texts, but one item is a i64"),
        ])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_and_bytes_of_one_run_are_counted() {
    let bench = Bench::new().await;
    let large = ResponseTemplate::new(200).set_body_string("x".repeat(3000));
    Mock::given(path("/large")).respond_with(large).mount(&bench.server).await;
    Mock::given(path("/small")).respond_with(ResponseTemplate::new(200)).mount(&bench.server).await;
    for (body, limit) in [
        ("loop { http::get(\"HOME/small\"); }", LimitName::Requests),
        ("loop { try { http::get(\"HOME/small\"); } catch { } }", LimitName::Requests),
        ("http::get(\"HOME/large\"); http::get(\"HOME/large\"); 1", LimitName::ResponseBytes),
    ] {
        let failure = bench.call(body).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Limit(limit), "{body}: {failure}");
        assert!(failure.to_string().contains(&format!("([sandbox] {limit})")), "{failure}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_does_not_come_ends_with_the_deadline() {
    let bench = Bench::new().await;
    let never = ResponseTemplate::new(200).set_delay(Duration::from_hours(1));
    Mock::given(path("/never")).respond_with(never).mount(&bench.server).await;
    let limits = Limits { deadline: Duration::from_millis(50), ..Limits::data() };
    let pool = Pool::start(Tier::Data, limits, 1, Some(install(bench.host.clone())));
    let bench = Bench { pool, ..bench };
    for body in ["http::get(\"HOME/never\")", "try { http::get(\"HOME/never\") } catch { 1 }"] {
        let failure = bench.call(body).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Limit(LimitName::Deadline), "{failure}");
        assert!(failure.to_string().contains("50ms ([sandbox.data] deadline)"), "{failure}");
    }
    assert_eq!(bench.pool.lost(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_widget_keeps_values_in_its_corner() {
    let bench = Bench::new().await;
    bench
        .check(&[
            ("cache::get(\"a\")", json!(null)),
            ("cache::set(\"a\", #{ n: [1] }, \"10m\"); cache::get(\"a\")", json!({ "n": [1] })),
            ("cache::get_or_set(\"a\", \"10m\", || throw \"not asked\")", json!({ "n": [1] })),
            ("let n = 5; cache::get_or_set(\"b\", 60, || n + 1)", json!(6)),
            ("cache::get(\"b\")", json!(6)),
        ])
        .await;
    bench
        .refuses(&[
            ("cache::set(\"a\", 1, \"soon\")", "`soon` is no time to keep: `\"10m\"`"),
            ("cache::set(\"a\", 1, -1)", "`-1` is no time to keep"),
            ("cache::set(\"a\", || 1, 60)", "`a` can't be kept: only data can"),
        ])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_were_are_found_and_read_like_new_ones() {
    let bench = Bench::new().await;
    for n in 1..=3 {
        let line = format!(
            r#"{{"topic":"org.fedoraproject.prod.git.receive","msg_id":"2026-{n}","timestamp":177798240{n},"msg":{{"commit":{{"n":{n}}}}}}}"#
        );
        let mut message = parse_line(line.as_bytes()).unwrap();
        message.description.usernames = vec!["ralph".into()];
        bench.host.datanommer.add(&[Arc::new(message)]).await.unwrap();
    }
    bench
        .check(&[
            (
                "let found = datanommer::grep(#{ users: [\"ralph\"], rows_per_page: 2, order: \"desc\", start: \"2026-05-05\", end: () }); \
                 [found.total, found.pages, found.messages.map(|m| m.msg.commit.n), found.messages[0].usernames, found.messages[0].msg.nothing]",
                json!([3, 2, [3, 2], ["ralph"], null]),
            ),
            ("datanommer::count(#{ categories: [\"git\"] })", json!(3)),
            ("datanommer::count(#{ not_users: [\"ralph\"] })", json!(0)),
            (
                "datanommer::activity(#{ users: [\"ralph\"], start: \"2026-05-04\", end: \"2026-05-05T13:00:00Z\" })",
                json!([
                    { "start": "2026-05-04T00:00:00Z", "total": 0, "categories": {} },
                    { "start": "2026-05-05T00:00:00Z", "total": 3, "categories": { "git": 3 } },
                ]),
            ),
            ("datanommer::activity(#{ bucket: \"7d\" }).map(|b| b.start)", json!(["2026-05-04T00:00:00Z"])),
            ("datanommer::activity(#{ users: [\"nobody\"], bucket: 3600 })", json!([])),
        ])
        .await;
    bench
        .refuses(&[
            ("datanommer::grep(#{ user: [\"ralph\"] })", "does not fit: unknown field `user`"),
            (
                "datanommer::activity(#{ bucket: \"often\" })",
                "`bucket` is `often`, but must be a length of time",
            ),
            (
                "datanommer::activity(#{ bucket: 1, start: \"2026-05-05\", end: \"2026-05-06\" })",
                "buckets of 1s are too many: 1000 is the limit; take longer ones, or a later `start`",
            ),
            ("datanommer::grep(#{ start: \"soon\" })", "`start` is \"soon\", no time"),
            (
                "datanommer::grep(#{ rows_per_page: 5000 })",
                "`rows_per_page` is 5000, but 200 is the limit",
            ),
        ])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hubs_of_a_person_are_told_by_role() {
    let bench = Bench::new().await;
    let store = &bench.host.store;
    store.create_hub(&hub("designteam", Visibility::Public), &[]).await.unwrap();
    store.create_hub(&hub("secret", Visibility::Private), &[]).await.unwrap();
    let designteam =
        json!([{ "name": "designteam", "summary": "The designteam", "kind": "group" }]);
    bench
        .check(&[
            ("hubs::of(\"ralph\").owner", designteam.clone()),
            ("hubs::of(\"mizmo\").member", designteam),
            (
                "hubs::of(\"nobody\")",
                json!({ "owner": [], "member": [], "subscriber": [], "stargazer": [] }),
            ),
        ])
        .await;
}

#[tokio::test]
async fn the_pure_tier_asks_nobody() {
    let mut interpreter = crate::script::Interpreter::new(Tier::Pure, Limits::pure(), Some(pure()));
    let placed = Placed {
        page: 1,
        id: InstanceId(1),
        name: "badges".parse().unwrap(),
        config: Arc::new(Config::new()),
        hub: Arc::new(hub("ralph", Visibility::Public)),
    };
    let module = crate::script::Module {
        path: "lib/a".into(),
        file: "widgets/lib/a.rhai".into(),
        text: "fn get(url) { 1 }".into(),
    };
    let shadowing =
        Source::new("widgets/x.rhai", "import \"lib/a\" as http;", vec![Arc::new(module)]);
    let found = interpreter.check(&Arc::new(shadowing)).unwrap_err().remove(0);
    assert_eq!(found.to_string(), "widgets/x.rhai:1:1: `http` is a module that every script has");
    for (body, expected) in [
        ("http::get(\"https://example.org\")", "`http::get` can't be called here"),
        ("cache::set(\"a\", 1, 1)", "`cache::set` can't be called here"),
        ("now()", "there is no function `now`"),
        ("timestamp()", "there is no function `timestamp`"),
        ("markdown(\"x\")", "there is no function `markdown`"),
    ] {
        let source =
            Arc::new(Source::new("widgets/x.rhai", format!("fn f(widget) {{ {body} }}"), vec![]));
        let failure = interpreter
            .call(&source, "f", &[Argument::Widget(&placed)], &Call::at(noon()))
            .unwrap_err();
        assert!(failure.to_string().contains(expected), "{body}: {failure}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_host_drops_is_no_budget_for_the_script() {
    let bench = Bench::new().await;
    let big: Vec<String> = (0..400).map(|n| format!("{n:0100}")).collect();
    bench
        .host
        .cache
        .own_set(&"badges".parse().unwrap(), "big", &json!(big), Duration::from_mins(1), noon())
        .unwrap();
    // Each question makes and drops some 50 KiB on the host's side; what the script keeps of each counts.
    let failure = bench.call("let all = #{}; let i = 0; loop { all[\"k\" + i] = cache::get(\"big\")[0] + i; cache::get(\"big\"); i += 1; all.remove(\"k\" + i); let k = \"k\"; k.pad(100000, 'k'); all[k + i] = (); }").await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Limit(LimitName::Memory), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn github_is_asked_without_naming_it_in_hosts() {
    let bench = Bench::new().await;
    let says = async |at: &str, status: u16, body: Value| {
        let answer = ResponseTemplate::new(status).set_body_json(body);
        Mock::given(path(at)).respond_with(answer).mount(&bench.server).await;
    };
    says("/repos/a/b", 200, json!({ "full_name": "a/b", "stargazers_count": 7, "x": 1 })).await;
    says("/users/nobody", 404, json!({ "message": "Not Found" })).await;
    let issues = json!([{ "number": 2, "pull_request": {} }, { "number": 1, "labels": [{ "name": "bug" }] }]);
    says("/repos/a/b/issues", 200, issues).await;
    says(
        "/repos/a/b/actions/runs",
        200,
        json!({ "total_count": 1, "workflow_runs": [{ "id": 9 }] }),
    )
    .await;
    says(
        "/users/ralph/events/public",
        200,
        json!([{ "type": "PushEvent", "payload": { "ref": "m" } }]),
    )
    .await;
    says(
        "/search/issues",
        200,
        json!({ "total_count": 70, "incomplete_results": false, "items": [{ "number": 3 }] }),
    )
    .await;
    says("/rate_limit", 200, json!({ "resources": { "core": { "limit": 60 } } })).await;
    says("/repos/a/b/pulls", 404, json!({ "message": "Not Found" })).await;
    bench
        .check(&[
            (
                "let r = github::repo(\"a/b\"); [r.full_name, r.stargazers_count, r.license, r.keys().contains(\"x\")]",
                json!(["a/b", 7, null, false]),
            ),
            ("github::user(\"nobody\")", json!(null)),
            (
                "github::issues(\"a/b\", #{ state: \"all\", limit: 5 }).map(|i| [i.number, i.labels[0].name, i.milestone])",
                json!([[1, "bug", null]]),
            ),
            ("github::workflow_runs(\"a/b\")[0].id", json!(9)),
            ("let e = github::events(\"ralph\")[0]; [e.type, e.payload.ref, e.payload.issue]", json!(["PushEvent", "m", null])),
            (
                "let s = github::search_issues(\"is:open\"); [s.total_count, s.incomplete_results, s.items[0].number]",
                json!([70, false, 3]),
            ),
            ("github::get(\"/rate_limit\").resources.core.limit", json!(60)),
            (
                "let r = (); try { github::pulls(\"a/b\"); } catch (e) { r = [e.service, e.status, e.message]; } r",
                json!(["github", 404, "GitHub has no repository `a/b`, or shows it only to those who may see it"]),
            ),
        ])
        .await;
    bench
        .refuses(&[
            ("github::repo(\"hubs\")", "github: `hubs` is no repository of GitHub: write `owner/name`"),
            ("github::issues(\"a/b\", #{ stat: 1 })", "`github::issues` has no option `stat`"),
            ("github::graphql(\"{ viewer { login } }\")", "github: GitHub's GraphQL answers nobody without a token: set `token` in `[github]`"),
            ("for n in 0..5 { github::repo(\"a/b\"); }", "requests"),
        ])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_and_groups_of_fas_come_in_one_shape() {
    let mut bench = Bench::new().await;
    let says = async |at: &str, status: u16, body: Value| {
        let answer = ResponseTemplate::new(status).set_body_json(body);
        Mock::given(path(at)).respond_with(answer).mount(&bench.server).await;
    };
    let ralph = json!({ "result": { "username": "ralph", "human_name": "Ralph Bean", "emails": ["r@example.org"] } });
    says("/v1/users/ralph/", 200, ralph).await;
    says("/v1/users/nobody/", 404, json!({ "name": "nobody", "message": "User not found" })).await;
    let (member, group) = (json!([{ "username": "ralph" }]), json!([{ "groupname": "infra" }]));
    let page = json!({ "total_pages": 2 });
    says("/v1/groups/infra/members/", 200, json!({ "result": member, "page": page })).await;
    says("/v1/groups/infra/sponsors/", 200, json!({ "result": member })).await;
    says("/v1/users/ralph/groups/", 200, json!({ "result": group, "page": page })).await;
    says("/v1/groups/infra/", 500, json!({ "message": "LDAP server is down", "source": "LDAP" }))
        .await;
    let home = bench.server.uri();
    let settings = crate::config::Settings::parse(
        &format!("[fas]\nurl = \"{home}\"\nusername = \"hubs\"\npassword = \"s3cret\"\n"),
        "hubs.toml",
    );
    bench.host.fas = Fas::new(&bench.host.outbound, settings.unwrap().fas.as_ref());
    bench.pool = Pool::start(Tier::Data, Limits::data(), 1, Some(install(bench.host.clone())));
    bench
        .check(&[
            (
                "let p = fas::user(\"ralph\"); [p.human_name, p.ircnicks, p.timezone, p.keys().contains(\"emails\")]",
                json!(["Ralph Bean", [], null, false]),
            ),
            ("fas::user(\"nobody\")", json!(null)),
            ("fas::members(\"infra\").map(|m| m.username)", json!(["ralph", "ralph"])),
            ("fas::sponsors(\"infra\")", json!([{ "username": "ralph", "human_name": null }])),
            ("fas::groups(\"ralph\")[1]", json!({ "groupname": "infra", "description": null })),
            (
                "let r = (); try { fas::group(\"infra\"); } catch (e) { r = [e.service, e.status, e.message]; } r",
                json!(["fas", 500, "FAS does not answer for group `infra`: LDAP server is down"]),
            ),
        ])
        .await;
    bench
        .refuses(&[
            ("fas::user(\"../me\")", "fas: `../me` is no name of FAS: it has 1 to 64 letters"),
            ("for n in 0..5 { fas::user(\"ralph\"); }", "requests"),
        ])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_fas_in_hubs_toml_a_script_hears_what_is_missing_and_may_go_on() {
    let bench = Bench::new().await;
    let said = "fas: FAS is not asked, as it answers nobody without a login: set `url` and a login in `[fas]` of hubs.toml";
    bench.refuses(&[("fas::user(\"ralph\")", said)]).await;
    bench.check(&[("let n = 0; try { fas::user(\"ralph\"); } catch { n = 1; } n", json!(1))]).await;
}
