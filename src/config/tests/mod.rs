//! What hubs.toml may say, and what is said of what it may not.

mod broker;
mod people;

use super::*;
use std::time::Duration;

/// Reads a text as `/site/hubs.toml` in a world of one variable.
fn parse(text: &str) -> Result<Settings, Vec<Diagnostic>> {
    let env = |name: &str| (name == "HUBS_TOKEN").then(|| "from the environment".to_string());
    Settings::read(text, "hubs.toml", &Surroundings { folder: Path::new("/site"), env: &env })
}

/// The problems of a text as a terminal shows them.
fn problems(text: &str) -> String {
    let shown = parse(text).unwrap_err().into_iter().map(|problem| {
        let frame = problem.frame().map(|frame| format!("\n{frame}")).unwrap_or_default();
        let help = problem.help.as_ref().map(|help| format!("\nhelp: {help}")).unwrap_or_default();
        format!("{problem}{frame}{help}")
    });
    shown.collect::<Vec<_>>().join("\n\n")
}

/// The one message about a text.
fn said(text: &str) -> String {
    let problems = parse(text).unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems[0].message.clone()
}

#[test]
fn an_empty_file_is_the_defaults_in_its_folder() {
    let settings = Settings::parse("", "hubs.toml").unwrap();
    assert_eq!(settings, Settings::default());
    assert_eq!(settings.store.as_str(), "sqlite:var/hubs.db");
    assert_eq!(parse("").unwrap().datanommer.url.as_str(), "sqlite:/site/var/datanommer.db");
}

#[test]
fn the_example_at_top_level_equals_the_defaults() {
    let example = include_str!("../../../hubs.toml");
    assert_eq!(Settings::parse(example, "hubs.toml").unwrap(), Settings::default());
    // With each comment that holds a setting taken off, it is still right.
    let is_setting = |line: &&str| line.starts_with('[') || line.contains(" = ");
    let all: Vec<&str> = example
        .lines()
        .map(|line| line.strip_prefix("#: ").filter(is_setting).unwrap_or(line))
        .collect();
    let all = [
        "HUBS_INGEST_TOKEN",
        "FAS_PASSWORD",
        "GITHUB_TOKEN",
        "GITHUB_WEBHOOK_SECRET",
        "HUBS_FEDMSG_KEY",
    ]
    .into_iter()
    .fold(all.join("\n"), |all, name| {
        all.replace(&format!("{{ env = \"{name}\" }}"), "\"secret\"")
    });
    let settings = Settings::parse(&all, "hubs.toml").unwrap_or_else(|p| panic!("{p:#?}\n{all}"));
    let bare = Settings::default();
    assert_eq!(
        (&settings.sandbox, &settings.outbound, &settings.user_hub.len()),
        (&bare.sandbox, &bare.outbound, &bare.user_hub.len())
    );
    assert_eq!((settings.storage, settings.store), (bare.storage, bare.store));
    assert_eq!(settings.hubs[0].name.as_str(), "designteam");
    let amqp = parse("[bus.amqp]\nurl = \"amqp://\"").unwrap().bus.amqp;
    assert_eq!(settings.bus.amqp, amqp);
}

#[test]
fn everything_that_can_be_said_is_read() {
    let settings = parse(
        r#"
        [server]
        listen = "[::1]:8080"
        public_url = "https://hubs.example.org"
        ingest_token = { env = "HUBS_TOKEN" }
        environment = "stg"
        frame_ancestors = ["https://www.example.org", "http://localhost:8080"]
        [storage]
        path = "/srv/hubs"
        [datanommer]
        url = "postgres://hubs@db.example.org/datanommer?sslmode=require"
        password = { env = "HUBS_TOKEN" }
        timeout = "2s"
        connections = 4
        keep_days = 30
        keep_bytes = "2 GiB"
        [bus.fedmsg]
        endpoints = ["tcp://127.0.0.1:9940", "ipc:///run/fedmsg"]
        topics = ["org.fedoraproject.prod"]
        ca = "https://fedoraproject.org/fedmsg/ca.crt"
        crl = "crl.pem"
        routing_policy = { "org.fedoraproject.prod.x.y" = ["x01.example.org"] }
        reconnect_ivl = "50ms"
        [bus.fedmsg.publish]
        endpoint = "tcp://127.0.0.1:3001"
        certificate = "hubs.crt"
        key = { env = "HUBS_TOKEN" }
        [auth]
        kind = "dev"
        [sandbox]
        max_response_bytes = "1 MiB"
        http_timeout = "2s 500ms"
        [sandbox.pure]
        deadline = "750us"
        [sandbox.data]
        memory_bytes = 1048576
        [user_hub]
        widgets = [{ widget = "badges", column = "right", config = { username = "{username}", limit = 3 } }]
        [[hub]]
        name = "i18n"
        archived = true
        owners = ["pravins"]
        visibility = "preview"
        [[hub.widget]]
        widget = "workflow.updates2stable"
        config = { list = [1, 2.5, true, { a = 2026-01-01 }] }
        [[hub]]
        name = "ralph"
        kind = "user"
        "#,
    )
    .unwrap();
    assert_eq!(settings.server.listen.to_string(), "[::1]:8080");
    assert_eq!(settings.server.frame_ancestors[1], "http://localhost:8080");
    assert_eq!(settings.server.ingest_token.as_ref().unwrap().reveal(), "from the environment");
    assert_eq!(settings.store.as_str(), "sqlite:/srv/hubs/hubs.db");
    let datanommer = &settings.datanommer;
    assert_eq!(datanommer.keep, Duration::from_hours(30 * 24));
    assert_eq!((datanommer.keep_bytes, datanommer.connections), (2 << 30, 4));
    assert_eq!(datanommer.timeout, Duration::from_secs(2));
    assert_eq!(datanommer.password.as_ref().unwrap().reveal(), "from the environment");
    assert_eq!(datanommer.url.to_string(), "postgres://db.example.org/datanommer");
    assert!(!format!("{settings:?}").contains("from the environment"));
    let fedmsg = settings.bus.fedmsg.as_ref().unwrap();
    assert_eq!((fedmsg.endpoints.len(), fedmsg.connection.tcp_keepalive_cnt), (2, 3));
    assert_eq!(fedmsg.connection.reconnect_ivl, Duration::from_millis(50));
    let signatures = fedmsg.signatures.as_ref().unwrap();
    assert_eq!(signatures.ca.to_string(), "`https://fedoraproject.org/fedmsg/ca.crt`");
    assert!(signatures.crl.as_ref().unwrap().to_string().contains("crl.pem"));
    assert_eq!(signatures.routing_policy["org.fedoraproject.prod.x.y"], ["x01.example.org"]);
    assert_eq!(fedmsg.publish.as_ref().unwrap().key.reveal(), "from the environment");
    assert_eq!(settings.sandbox.max_response_bytes, 1 << 20);
    assert_eq!(settings.sandbox.http_timeout, Duration::from_millis(2_500));
    assert_eq!(settings.sandbox.pure.deadline, Duration::from_micros(750));
    assert_eq!(settings.sandbox.data.memory_bytes, 1 << 20);
    assert_eq!(for_user(&settings.user_hub[0].config, "ralph")["username"], "ralph");
    let [i18n, ralph] = &settings.hubs[..] else { panic!("{:?}", settings.hubs) };
    assert_eq!((i18n.kind, ralph.kind), (crate::hub::HubKind::Group, crate::hub::HubKind::User));
    assert_eq!(i18n.widgets[0].widget.path(), "workflow/updates2stable");
    let list = serde_json::json!([1, 2.5, true, { "a": "2026-01-01" }]);
    assert_eq!(i18n.widgets[0].config["list"], list);
    let later = i18n.widgets[0].place_of("list").error("`list` is no such thing");
    assert_eq!(later.to_string(), "hubs.toml:46:27: `list` is no such thing");
}

#[test]
fn all_problems_are_shown_at_once_each_with_its_line() {
    insta::assert_snapshot!(problems(
        r#"[server]
listne = "127.0.0.1:5000"
environment = 5

[sandbox.pure]
deadline = "500"
operations = 20_000
memory_bytes = "1 megabyte"

[[hub]]
name = "Design Team"
owners = ["ralph", 7]
left_width = 12

[[hub.widget]]
widgte = "badges"
column = "middle"

[servre]
"#
    ), @r#"
    hubs.toml:2:1: [server] has no key `listne`; did you mean `listen`?
    2 | listne = "127.0.0.1:5000"
      | ^^^^^^

    hubs.toml:3:15: `environment` of [server] is 5, but must be text in quotes
    3 | environment = 5
      |               ^

    hubs.toml:6:12: `deadline` of [sandbox.pure] is "500", but must be a time from "50µs" to "100ms", as in "500us" or "10s"
    6 | deadline = "500"
      |            ^^^^^

    hubs.toml:7:14: `operations` of [sandbox.pure] is 20_000, but must be a whole number from 100 to 10000
    7 | operations = 20_000
      |              ^^^^^^

    hubs.toml:8:16: `memory_bytes` of [sandbox.pure] is "1 megabyte", but must be 65536 to 1073741824 bytes, as a number or as in "16 KiB", "32 MiB"
    8 | memory_bytes = "1 megabyte"
      |                ^^^^^^^^^^^^

    hubs.toml:11:8: `name` of [hub]: `Design Team` is no name of a hub: 1 to 50 of a-z, 0-9, `-`, `_` and `.` make one
    11 | name = "Design Team"
       |        ^^^^^^^^^^^^^

    hubs.toml:12:20: `owners` of [hub] is a list with 7, but must be a list of usernames, as in "ralph"
    12 | owners = ["ralph", 7]
       |                    ^

    hubs.toml:13:14: `left_width` of [hub] is 12, but must be a whole number from 1 to 11
    13 | left_width = 12
       |              ^^

    hubs.toml:15:1: [hub.widget] has no `widget`, which it must have
    15 | [[hub.widget]]
       | ^^^^^^^^^^^^^^

    hubs.toml:16:1: [hub.widget] has no key `widgte`; did you mean `widget`?
    16 | widgte = "badges"
       | ^^^^^^

    hubs.toml:17:10: `column` of [hub.widget] is "middle", but must be "left" or "right"
    17 | column = "middle"
       |          ^^^^^^^^

    hubs.toml:19:2: hubs.toml has no table `servre`; did you mean `server`?
    19 | [servre]
       |  ^^^^^^
    "#);
}

#[test]
fn a_text_that_is_no_toml_is_shown_where_it_breaks() {
    insta::assert_snapshot!(problems("[server]\nlisten = 127.0.0.1\n"), @r#"
    hubs.toml:2:15: no TOML: invalid float, expected nothing
    2 | listen = 127.0.0.1
      |               ^^^^
    "#);
}

#[test]
fn what_this_version_can_not_do_is_refused_in_plain_words() {
    insta::assert_snapshot!(problems(
        r#"[store]
url = "postgres://hubs:hunter2@db/hubs"
"#
    ), @r#"
    hubs.toml:2:7: `url` of [store]: PostgreSQL can't keep the hubs yet: it comes with a later version
    2 | url = "postgres://************@db/hubs"
      |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    help: leave it out, or give a file: "sqlite:hubs.db"
    "#);
}

#[test]
fn a_token_for_github_travels_encrypted_or_not_at_all() {
    let github = parse(
        "[github]\nurl = \"https://github.example.org/api/v3/\"\ntoken = \"t\"\nwebhook_secret = \"s\"\n",
    );
    let github = github.unwrap().github;
    assert_eq!(github.url.as_str(), "https://github.example.org/api/v3");
    let revealed = [github.token, github.webhook_secret].map(|it| it.unwrap().reveal().to_owned());
    assert_eq!(revealed, ["t", "s"]);
    for good in ["http://127.0.0.1:3000", "http://[::1]/api", "http://localhost:3000"] {
        assert!(parse(&format!("[github]\nurl = \"{good}\"\n")).is_ok(), "{good}");
    }
    for bad in [
        "http://github.example.org",
        "https://github.example.org/?x=1",
        "github.example.org",
        "ftp://localhost",
    ] {
        let said = said(&format!("[github]\nurl = \"{bad}\"\n"));
        assert!(said.contains("must be an https address without query"), "{said}");
    }
    let said = problems("[github]\nurl = \"https://me:pass@github.example.org\"\n");
    assert!(said.contains("it has a user name or password in it: set `token` instead"), "{said}");
    assert!(!said.contains("pass@"), "{said}");
}

#[test]
fn a_login_for_fas_is_whole_and_the_password_is_not_shown() {
    let fas = |text: &str| parse(&format!("[fas]\n{text}")).unwrap().fas.unwrap();
    let login = "username = \"hubs\"\npassword = \"s3cret\"\n";
    let found = fas(login);
    assert_eq!(found.url.as_str(), "https://fasjson.fedoraproject.org/");
    assert!(!format!("{found:?}").contains("s3cret"));
    let found = fas(&format!("kind = \"fas2\"\n{login}"));
    assert_eq!((found.kind, found.url.path()), (FasKind::Fas2, "/accounts"));
    let help = "help: set `principal` and `keytab` for Kerberos, or `username` and `password` of an account for hubs, or leave [fas] out";
    for (text, message, help) in [
        (
            "kind = \"fas2\"\n",
            "1:1: [fas] has no login: FAS answers nobody whom it does not know",
            help,
        ),
        ("username = \"hubs\"\n", "1:1: [fas] has a `username`, but no `password`", help),
        (
            "kind = \"fas3\"\nusername = \"hubs\"\npassword = \"x\"\n",
            "2:8: `kind` of [fas] is \"fas3\", but must be \"fasjson\" or \"fas2\"",
            "",
        ),
        (
            "url = \"http://fas.example.org\"\nusername = \"hubs\"\npassword = \"x\"\n",
            "must be an https address without query, as in \"https://fasjson.example.org\"",
            "",
        ),
        (
            "username = \"a:b\"\npassword = \"x\"\n",
            "`username` of [fas] is \"a:b\", but must be the name of an account",
            "",
        ),
        (
            "keytab = \"k\"\nusername = \"hubs\"\npassword = \"x\"\n",
            "2:10: [fas] has a `keytab`, which is for Kerberos, and a name or password",
            "help: leave one of them out",
        ),
        (
            "kind = \"fas2\"\nprincipal = \"hubs\"\n",
            "3:13: [fas] has a `principal`, but the old FAS knows no Kerberos",
            "help: set `username` and `password`",
        ),
    ] {
        let said = problems(&format!("[fas]\n{text}"));
        assert!(said.contains(message) && said.contains(help), "{said}");
    }
    let said = problems(&format!("[fas]\nurl = \"https://me:pass@fas.example.org\"\n{login}"));
    assert!(said.contains("set `username` and `password` instead"), "{said}");
    assert!(!said.contains("pass@"), "{said}");
}

#[test]
fn a_build_without_kerberos_says_how_to_get_one_with_it() {
    let text = "[fas]\nprincipal = \"hubs@EXAMPLE.ORG\"\nkeytab = \"hubs.keytab\"\n";
    if cfg!(feature = "kerberos") {
        let FasLogin::Kerberos(found) = parse(text).unwrap().fas.unwrap().login else { panic!() };
        assert!(found.keytab.unwrap().ends_with("hubs.keytab"));
        assert_eq!((found.principal.as_deref(), found.ccache), (Some("hubs@EXAMPLE.ORG"), None));
    } else {
        let said = problems(text);
        assert!(
            said.contains(
                "2:13: [fas] has a `principal`, but this hubs was built without Kerberos"
            ),
            "{said}"
        );
        assert!(
            said.contains("help: build it with `cargo build --release --features kerberos`, or"),
            "{said}"
        );
    }
}

#[test]
fn a_secret_is_found_or_its_source_is_named_and_it_is_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), "from a file\n").unwrap();
    std::fs::write(
        folder.path().join("hubs.toml"),
        "[server]\ningest_token = { file = \"token\" }\n",
    )
    .unwrap();
    let settings = Settings::load(&folder.path().join("hubs.toml")).unwrap();
    assert_eq!(settings.server.ingest_token.as_ref().unwrap().reveal(), "from a file");
    assert!(!format!("{settings:?}").contains("from a file"));

    let check = |value: &str, fits: &str| {
        let said = said(&format!("[server]\ningest_token = {value}\n"));
        assert!(said.starts_with(fits), "{said}");
    };
    check(
        "{ env = \"NOT_SET\" }",
        "`ingest_token` of [server]: there is no environment variable `NOT_SET`",
    );
    check("{ file = \"gone\" }", "`ingest_token` of [server]: `gone` can't be read: ");
    check("\" \"", "`ingest_token` of [server]: it is empty");
    let other = "`ingest_token` of [server] is something else, but must be text, { env";
    check("{ vault = \"x\" }", other);
    check("12345", other);

    for text in [
        "[server]\ningest_token = 12345\n",
        "[server]\ningest_tokne = \"12345\"\n",
        "[server]\nserver = { listen = 1, ingest_token = \"12345\" }\n",
        "[server]\ningest_token = \"12345\n",
        "github.token = \"12345\"\ngithub.x = 1\n",
        "[github]\nwebhook_secret = 12345\n",
        "[github]\nwebhook_secert = \"12345\"\n",
    ] {
        assert!(!problems(text).contains("12345"), "{}", problems(text));
    }
}

#[test]
fn each_wrong_value_says_what_fits() {
    let check = |text: &str, message: &str| assert_eq!(said(text), message);
    check(
        "[server]\nlisten = 5000",
        "`listen` of [server] is 5000, but must be an address and port, as in \"127.0.0.1:5000\"",
    );
    for origin in
        ["www.example.org", "https://", "https://a.example/path", "https://a; script-src *"]
    {
        check(
            &format!("[server]\nframe_ancestors = [\"{origin}\"]"),
            &format!(
                "`frame_ancestors` of [server] is a list with \"{origin}\", but must be a list of origins without a path, \
                 as in \"https://www.example.org\""
            ),
        );
    }
    check(
        "[server]\npublic_url = \"hubs.example.org\"",
        "`public_url` of [server] is \"hubs.example.org\", but must be an address, as in \"https://hubs.example.org\"",
    );
    check("server = 1", "`server` is 1, but must be a table, as in `[server]`");
    check("hub = [1]", "`hub` is [1], but must be tables, as in `[[hub]]`");
    check("[storage]\npath = \"\"", "`path` of [storage] is \"\", but must be a folder");
    check(
        "[store]\nurl = \"mysql://x\"",
        "`url` of [store] is \"mysql://x\", but must be the address of a file, as in \"sqlite:hubs.db\"",
    );
    check(
        "[datanommer]\nkeep_days = 0",
        "`keep_days` of [datanommer] is 0, but must be a whole number from 1 to 36500",
    );
    check(
        "[bus.fedmsg]\nvalidate_signatures = false\nendpoints = [\"hub:9940\"]",
        "`endpoints` of [bus.fedmsg] is a list with \"hub:9940\", but must be a list of addresses, as in \"tcp://127.0.0.1:9940\"",
    );
    check(
        "[bus.fedmsg]\nvalidate_signatures = false",
        "[bus.fedmsg] has no `endpoints`, which it must have",
    );
    check(
        "[bus.fedmsg]\nvalidate_signatures = false\nendpoints = []",
        "`endpoints` of [bus.fedmsg]: it names no publisher",
    );
    let fedmsg = "[bus.fedmsg]\nendpoints = [\"tcp://127.0.0.1:9940\"]\n";
    check(fedmsg, "[bus.fedmsg] has no `ca`, and without it no signature can be checked");
    check(
        &format!("{fedmsg}ca = \"http://example.org/ca.crt\""),
        "`ca` of [bus.fedmsg]: who can change what comes from there can sign as anybody",
    );
    check(
        &format!("{fedmsg}ca = \"ca.crt\"\nrouting_policy = {{ \"a.b\" = \"x\" }}"),
        "`routing_policy` of [bus.fedmsg] is { \"a.b\" = \"x\" }, but must be a table of topics, each with a list of names, as in { \"org.fedoraproject.prod.x.y\" = [\"x-web01.example.org\"] }",
    );
    check(
        &format!(
            "{fedmsg}ca = \"ca.crt\"\n[bus.fedmsg.publish]\nendpoint = \"3001\"\ncertificate = \"c\"\nkey = \"k\""
        ),
        "`endpoint` of [bus.fedmsg.publish] is \"3001\", but must be an address, as in \"tcp://127.0.0.1:9940\"",
    );
    check(
        "[auth]\nkind = \"none\"",
        "`kind` of [auth] is \"none\", but must be \"dev\" or \"oidc\"",
    );
    check(
        "[sandbox.data]\ndeadline = \"1h\"",
        "`deadline` of [sandbox.data] is \"1h\", but must be a time from \"50µs\" to \"300s\", as in \"500us\" or \"10s\"",
    );
    check(
        "[sandbox]\nallow_private_addresses = \"yes\"",
        "`allow_private_addresses` of [sandbox] is \"yes\", but must be `true` or `false`",
    );
    check("[[hub]]\n", "[hub] has no `name`, which it must have");
    check(
        "[[hub]]\nname = \"metrics\"",
        "`name` of [hub]: `metrics` can't be the name of a hub: it is the first word of a route; choose another",
    );
    check(
        "[[hub]]\nname = \"a\"\n[[hub]]\nname = \"a\"",
        "there is a `[[hub]]` of the name `a` already",
    );
    check(
        "[[hub]]\nname = \"a\"\nowners = [\"a b\"]",
        "`owners` of [hub] is a list with \"a b\", but must be a list of usernames, as in \"ralph\"",
    );
    check(
        "[[hub]]\nname = \"a\"\nwidget = [{ widget = \"a b\" }]",
        "`widget` of [hub.widget]: `a b` is no name of a widget: words of a-z, 0-9 and `_`, joined by dots, as in `workflow.updates2stable`",
    );
    check(
        "[user_hub]\nwidgets = [{ widget = \"about\", config = { n = nan } }]",
        "`config` of [user_hub.widgets] is { n = nan }, but must be a finite number",
    );
    check("[user_hub]\nwidget = []", "[user_hub] has no key `widget`; did you mean `widgets`?");
}

#[test]
fn a_file_that_can_not_be_read_is_named() {
    let problems = Settings::load(Path::new("/nowhere/hubs.toml")).unwrap_err();
    assert!(
        problems[0].to_string().starts_with("hubs.toml: /nowhere/hubs.toml can't be read: "),
        "{problems:?}"
    );
}

#[test]
fn a_thousand_problems_are_cut_short() {
    let lines: Vec<String> = (0..1_000).map(|n| format!("key{n} = 1")).collect();
    let problems = parse(&lines.join("\n")).unwrap_err();
    assert_eq!(problems.len(), 51);
    assert_eq!(problems[50].message, "950 more problems are not shown");
}

proptest::proptest! {
    /// Whatever is done to a file: it is read, or refused with a place that can be shown.
    #[test]
    fn no_text_crashes_the_reader(
        from in 0..2_000_usize,
        length in 0..40_usize,
        put in "[\\PC\n]{0,12}",
        all in "[\\PC\n]{0,80}",
    ) {
        let example = include_str!("../../../hubs.toml").replace("#: ", "");
        let cut = |at: usize| example.floor_char_boundary(at);
        let changed =
            format!("{}{put}{}", &example[..cut(from)], &example[cut(from + length)..]);
        for text in [changed, all] {
            for problem in parse(&text).err().unwrap_or_default() {
                proptest::prop_assert!(problem.line.is_some(), "{problem:?}");
                problem.frame();
            }
        }
    }
}

#[test]
fn other_servers_are_treated_as_outbound_says() {
    let settings = parse(
        "[outbound]\ntries = 1\nrequests_at_once = 2\nrequests_per_minute = 60\nbreaker_failures = 9\n\
         breaker_pause = \"2m\"\ncache_bytes = \"1 MiB\"",
    );
    let wanted = OutboundSettings {
        tries: 1,
        requests_at_once: 2,
        requests_per_minute: 60,
        breaker_failures: 9,
        breaker_pause: Duration::from_mins(2),
        cache_bytes: 1 << 20,
    };
    assert_eq!(settings.unwrap().outbound, wanted);
    assert_eq!(
        said("[outbound]\ntries = 0"),
        "`tries` of [outbound] is 0, but must be a whole number from 1 to 10"
    );
    assert!(said("[outbound]\nretries = 2").contains("tries"));
}

#[test]
fn the_password_in_an_address_is_never_shown() {
    let settings =
        parse("[datanommer]\nurl = \"postgres://me:hunter2@db:1/x?password=hunter2\"").unwrap();
    let url = &settings.datanommer.url;
    assert_eq!(
        (url.to_string(), url.as_str().contains("hunter2")),
        ("postgres://db:1/x".into(), true)
    );
    assert!(!format!("{settings:?}").contains("hunter2"));
    let said = problems("[datanommer]\nurl = \"postgres:hunter2\"");
    assert!(said.contains("this is no address of a PostgreSQL database"), "{said}");
}
