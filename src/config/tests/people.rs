//! Who people are: `[auth]`, and hubs that mirror a group of `[fas]`.

use super::super::*;
use super::{parse, problems, said};
use std::time::Duration;

#[test]
fn logins_without_a_password_stay_on_this_machine() {
    insta::assert_snapshot!(problems("[server]\nlisten = \"0.0.0.0:80\"\n"), @r#"
    hubs.toml:2:10: `listen` is 0.0.0.0:80, which other machines can reach, but `[auth] kind = "dev"` lets anybody log in as anybody
    2 | listen = "0.0.0.0:80"
      |          ^^^^^^^^^^^^
    help: listen on 127.0.0.1 or [::1], or let people log in with `[auth] kind = "oidc"`
    "#);
    let settings = Settings::default();
    assert_eq!(settings.listen_problem("[::1]:1".parse().unwrap()), None);
    assert!(settings.listen_problem("192.0.2.1:1".parse().unwrap()).is_some());
}

const OIDC: &str =
    "[auth]\nkind = \"oidc\"\nissuer = \"https://id.example.org/openidc/\"\nclient_id = \"hubs\"\n";

#[test]
fn a_provider_is_read_with_what_it_needs() {
    let settings = parse(&format!(
        "{OIDC}client_secret = {{ env = \"HUBS_TOKEN\" }}\nclient_auth = \"post\"\nscopes = [\"profile\", \"https://id.example.org/groups\"]\n\
         admins = [\"ralph\"]\nadmin_groups = [\"sysadmin-main\"]\nsession = \"8h\"\nusername_claim = \"nickname\"\n"
    ))
    .unwrap();
    let local = OIDC.replace("https://id.example.org", "http://127.0.0.1:38456");
    assert!(parse(&local).is_ok(), "on this machine nobody reads along");
    let AuthKind::Oidc(oidc) = &settings.auth.kind else { panic!("{:?}", settings.auth) };
    assert_eq!(oidc.issuer.as_str(), "https://id.example.org/openidc", "its slash is taken off");
    assert_eq!(oidc.client_secret.as_ref().unwrap().reveal(), "from the environment");
    assert_eq!((oidc.client_auth, oidc.scopes.len()), (Some(ClientAuth::Post), 2));
    assert_eq!(
        (&*oidc.groups_claim, &*settings.auth.admins),
        ("groups", &["ralph".to_owned()][..])
    );
    assert_eq!(settings.auth.session, Duration::from_hours(8));
    assert!(!format!("{settings:?}").contains("from the environment"));
    let open: std::net::SocketAddr = "192.0.2.1:1".parse().unwrap();
    let said = settings.listen_problem(open).unwrap();
    assert!(said.help.unwrap().contains("`[server] public_url`"));
    let known = parse(&format!("{OIDC}[server]\npublic_url = \"https://hubs.example.org\"\n"));
    assert_eq!(known.unwrap().listen_problem(open), None);
}

#[test]
fn what_a_provider_lacks_is_named() {
    insta::assert_snapshot!(problems("[auth]\nkind = \"oidc\"\nclient_auth = \"post\"\n"), @r#"
    hubs.toml:1:1: [auth] has no `issuer`, which it must have
    1 | [auth]
      | ^^^^^^

    hubs.toml:1:1: [auth] has no `client_id`, which it must have
    1 | [auth]
      | ^^^^^^

    hubs.toml:3:15: [auth] has a `client_auth`, but no `client_secret` that it could hand over
    3 | client_auth = "post"
      |               ^^^^^^
    help: a public client needs neither
    "#);
    insta::assert_snapshot!(problems("[auth]\nclient_id = \"hubs\"\n"), @r#"
    hubs.toml:2:13: [auth] has `client_id`, which is for OpenID Connect, but its `kind` is "dev"
    2 | client_id = "hubs"
      |             ^^^^^^
    help: write kind = "oidc"
    "#);
    let issuer = |at: &str| {
        problems(&format!("[auth]\nkind = \"oidc\"\nclient_id = \"hubs\"\nissuer = \"{at}\"\n"))
    };
    assert!(issuer("http://id.example.org").contains("must be an https address"));
    assert!(problems(&format!("{OIDC}scopes = [\"a b\"]\n")).contains("must be a list of scopes"));
}

#[test]
fn a_hub_mirrors_a_group_of_a_fas_that_is_named() {
    let hub = "[[hub]]\nname = \"design\"\nfas_group = \"design-team\"\n";
    insta::assert_snapshot!(problems(hub), @r#"
    hubs.toml:3:13: `fas_group` of [hub] mirrors a group in FAS, but there is no table [fas] that says where that is
    3 | fas_group = "design-team"
      |             ^^^^^^^^^^^^^
    help: add one, or name `owners` and `members`
    "#);
    let fas = "[fas]\nusername = \"hubs\"\npassword = \"x\"\n";
    let settings = parse(&format!("{fas}{hub}")).unwrap();
    assert_eq!(settings.hubs[0].fas_group.as_deref(), Some("design-team"));
    assert_eq!(
        said(&format!("{fas}[[hub]]\nname = \"x\"\nfas_group = \"../x\"")),
        "`fas_group` of [hub] is \"../x\", but must be the name of a group in FAS, as in \"design-team\""
    );
}
