//! Further pages of a widget: the entries before those on its card.

use crate::harness::TestHouse;

const SCRIPT: &str = r#"
const REFRESH = "1h";
const CHROME = #{ style: "panel" };
fn data(widget) {
    if widget.page == 9 { throw #{ service: "elsewhere", status: 503, message: "away till noon" }; }
    #{ from: (widget.page - 1) * 10 + 1 }
}
"#;
const TEMPLATE: &str = "<p>from {{ from }}</p><a href=\"/{{ widget.hub.name }}/{{ widget.id }}?page={{ widget.page + 1 }}\">Older</a>";

#[tokio::test(flavor = "multi_thread")]
async fn a_further_page_is_made_for_who_asks_and_changes_nothing() {
    let hubs = "[[hub]]\nname = \"x\"\n[[hub.widget]]\nwidget = \"many\"\n[[hub.widget]]\nwidget = \"about\"\n";
    let house = TestHouse::with(&[
        ("hubs.toml", hubs),
        ("widgets/many.rhai", SCRIPT),
        ("templates/widgets/many.html", TEMPLATE),
    ])
    .await;
    let id = house.instance("x", "many").await;
    let about = house.instance("x", "about").await;
    let first = house.json(&format!("/x/{id}/json")).await;
    assert_eq!(first["data"]["from"], 1);
    let (status, second) = house.get(&format!("/x/{id}?page=2")).await;
    assert_eq!(status, 200);
    assert!(second.contains("from 11") && second.contains(&format!("/x/{id}?page=3")), "{second}");
    assert!(second.starts_with("<article"), "a script gets the card alone: {second}");
    let (_, page) = house.get_as_page(&format!("/x/{id}?page=3")).await;
    assert!(page.contains("from 21") && page.contains("<html"), "{page}");
    assert_eq!(house.json(&format!("/x/{id}/json")).await["version"], first["version"]);
    let (_, card) = house.get(&format!("/x/{id}?page=1")).await;
    assert!(card.contains("from 1<"), "{card}");

    let (status, said) = house.get_as_page(&format!("/x/{about}?page=2")).await;
    assert_eq!(status, 404);
    assert!(said.contains("This widget has no further pages."), "{said}");
    let (status, said) = house.get_as_page(&format!("/x/{id}?page=9")).await;
    assert_eq!(status, 503);
    assert!(said.contains("The page could not be made: elsewhere: away till noon"), "{said}");
    for nonsense in ["0", "-1", "4294967296", "x"] {
        let (status, _) = house.get(&format!("/x/{id}?page={nonsense}")).await;
        assert_eq!(status, 400, "{nonsense}");
    }
}
