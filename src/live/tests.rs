use super::*;
use crate::hub::InstanceId;
use bytes::Bytes;
use futures_util::FutureExt as _;

fn hub(name: &str) -> HubName {
    name.parse().unwrap()
}

fn widget(id: u64, data: &str) -> Announcement {
    Announcement {
        kind: Kind::Widget(InstanceId(id)),
        data: Bytes::copy_from_slice(data.as_bytes()),
    }
}

fn frame(heard: Heard) -> Bytes {
    match heard {
        Heard::Frame(frame) => frame,
        other => panic!("a frame was due, not {other:?}"),
    }
}

/// The data of the next event.
async fn data(listener: &mut Listener) -> String {
    loop {
        let frame = frame(listener.next().await);
        let text = std::str::from_utf8(&frame).unwrap();
        if let Some(data) = text.lines().find_map(|line| line.strip_prefix("data: ")) {
            return data.to_owned();
        }
    }
}

async fn opened(live: &Live, name: &str, since: Option<&str>) -> Listener {
    let mut listener = live.listen(&hub(name), since);
    assert!(frame(listener.next().await).starts_with(b"retry: 3000\n"));
    listener
}

/// Sends all that was announced.
async fn sent() {
    tokio::time::sleep(COLLECT * 2).await;
}

fn is_silent(listener: &mut Listener) -> bool {
    listener.next().now_or_never().is_none()
}

#[tokio::test(start_paused = true)]
async fn only_the_listeners_of_a_hub_hear_of_it() {
    let live = Live::new(1);
    let (mut ralph, mut mizmo) =
        (opened(&live, "ralph", None).await, opened(&live, "mizmo", None).await);
    live.announce(&hub("ralph"), widget(1, "new"));
    live.announce(&hub("nobody"), widget(2, "new"));
    assert_eq!(frame(ralph.next().await), "id: 1-3\nevent: widget\ndata: new\n\n");
    assert!(is_silent(&mut mizmo) && is_silent(&mut ralph));
}

#[tokio::test(start_paused = true)]
async fn an_event_is_encoded_once_for_all() {
    let live = Live::new(1);
    let (mut one, mut two) =
        (opened(&live, "ralph", None).await, opened(&live, "ralph", None).await);
    live.announce(&hub("ralph"), widget(1, "new"));
    assert_eq!(frame(one.next().await).as_ptr(), frame(two.next().await).as_ptr());
}

#[tokio::test(start_paused = true)]
async fn a_burst_becomes_the_newest_of_each_widget_in_one_go() {
    let live = Live::new(1);
    let mut listener = opened(&live, "ralph", None).await;
    for round in 0..100 {
        live.announce(&hub("ralph"), widget(1, &format!("a{round}")));
        live.announce(&hub("ralph"), widget(2, &format!("b{round}")));
    }
    assert!(is_silent(&mut listener), "it is still being collected");
    assert_eq!(
        (data(&mut listener).await, data(&mut listener).await),
        ("a99".into(), "b99".into())
    );
    assert!(is_silent(&mut listener));
}

#[tokio::test(start_paused = true)]
async fn a_slow_listener_gets_the_latest_of_each_widget_and_no_backlog() {
    let live = Live::new(1);
    let mut slow = opened(&live, "ralph", None).await;
    for round in 0..50 {
        live.announce(&hub("ralph"), widget(1, &format!("a{round}")));
        live.announce(&hub("ralph"), widget(round % 3 + 2, &format!("b{round}")));
        sent().await;
    }
    let gone = Announcement { kind: Kind::Removed(InstanceId(2)), data: "gone".into() };
    live.announce(&hub("ralph"), gone);
    sent().await;
    let mut got = Vec::new();
    while let Some(heard) = slow.next().now_or_never() {
        let text = String::from_utf8(frame(heard).to_vec()).unwrap();
        got.extend(text.lines().find_map(|line| line.strip_prefix("data: ")).map(String::from));
    }
    assert_eq!(got, ["b47", "a49", "b49", "gone"].map(String::from).to_vec());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_between_the_page_and_its_stream() {
    let live = Live::new(1);
    let cursor = live.cursor(&hub("ralph"));
    live.announce(&hub("ralph"), widget(1, "while the page loads"));
    sent().await;
    let mut listener = opened(&live, "ralph", Some(&cursor)).await;
    assert_eq!(data(&mut listener).await, "while the page loads");
    assert!(is_silent(&mut listener));
}

#[tokio::test(start_paused = true)]
async fn a_returning_listener_gets_what_it_missed() {
    let live = Live::new(0xab);
    let mut first = opened(&live, "ralph", None).await;
    live.announce(&hub("ralph"), widget(1, "seen"));
    assert_eq!(data(&mut first).await, "seen");
    drop(first);
    assert_eq!(live.viewers(&hub("ralph")), 0);
    live.announce(&hub("ralph"), widget(2, "missed"));
    sent().await;
    let mut back = opened(&live, "ralph", Some("ab-2")).await;
    assert_eq!(data(&mut back).await, "missed");
    assert!(is_silent(&mut back));
}

#[tokio::test(start_paused = true)]
async fn a_stream_says_from_the_start_where_it_can_be_resumed() {
    let live = Live::new(1);
    let mut first = opened(&live, "ralph", None).await;
    live.announce(&hub("ralph"), widget(1, "old"));
    data(&mut first).await;
    let opening = frame(live.listen(&hub("ralph"), None).next().await);
    assert_eq!(opening, "retry: 3000\nid: 1-2\n\n");
    let behind = frame(live.listen(&hub("ralph"), Some("0-9")).next().await);
    assert_eq!(behind, "retry: 3000\n\n");
}

#[tokio::test(start_paused = true)]
async fn who_cannot_be_brought_up_to_date_gets_copies_and_goes_on() {
    let live = Live::new(1);
    let mut other = opened(&live, "ralph", None).await;
    live.announce(&hub("ralph"), widget(1, "old"));
    data(&mut other).await;
    // Of another run, before the ring, behind its end, made up, nothing at all; the last is that of a copy.
    for since in ["2-2", "1-0", "1-3", "1-18446744073709551615", "", "nonsense", "1-moved"] {
        let mut listener = opened(&live, "ralph", Some(since)).await;
        assert_eq!(listener.next().await, Heard::Moved, "{since}");
        let copy = listener.copy(&widget(1, "x"));
        assert_eq!(copy, "id: 1-moved\nevent: widget\ndata: x\n\n");
        assert_eq!(frame(listener.next().await), "id: 1-2\n\n");
        assert!(is_silent(&mut listener));
    }
    let mut moved = opened(&live, "ralph", Some("0-0")).await;
    assert_eq!(moved.next().await, Heard::Moved);
    live.announce(&hub("ralph"), widget(1, "new"));
    assert_eq!(data(&mut moved).await, "new");
}

#[tokio::test(start_paused = true)]
async fn a_ring_that_overflows_moves_on() {
    let live = Live::new(1);
    let mut slow = opened(&live, "ralph", None).await;
    let big = "x".repeat(200 * 1024);
    for id in 1..=6 {
        live.announce(&hub("ralph"), widget(id, &big));
    }
    sent().await;
    assert_eq!(slow.next().await, Heard::Moved);
    assert_eq!(frame(slow.next().await), "id: 1-7\n\n");
    assert!(is_silent(&mut slow));
    live.announce(&hub("ralph"), widget(1, "small"));
    assert_eq!(data(&mut slow).await, "small");
}

#[tokio::test(start_paused = true)]
async fn rings_that_nobody_listens_to_are_bounded() {
    let live = Live::new(1);
    let cursor = live.cursor(&hub("first"));
    let _watched = live.listen(&hub("watched"), None);
    for n in 0..3000 {
        live.cursor(&hub(&format!("crawled{n}")));
    }
    assert_eq!(live.viewers(&hub("watched")), 1, "whom somebody watches stays");
    assert!(live.shared.rings.read().len() < 1100);
    let mut first = opened(&live, "first", Some(&cursor)).await;
    assert_eq!(first.next().await, Heard::Moved, "its ring is gone, so it can't be sure");
}

#[tokio::test(start_paused = true)]
async fn a_hub_without_listeners_keeps_little_and_one_without_visitors_nothing() {
    let live = Live::new(1);
    let cursor = live.cursor(&hub("visited"));
    for id in 1..=6 {
        live.announce(&hub("visited"), widget(id, &"x".repeat(20 * 1024)));
        live.announce(&hub("unknown"), widget(id, "x"));
    }
    sent().await;
    assert_eq!(live.shared.rings.read().len(), 1);
    let mut late = opened(&live, "visited", Some(&cursor)).await;
    assert_eq!(late.next().await, Heard::Moved);
}

#[tokio::test(start_paused = true)]
async fn silence_is_broken_by_heartbeats() {
    let live = Live::new(1);
    let mut listener = opened(&live, "ralph", None).await;
    let start = tokio::time::Instant::now();
    for _ in 0..3 {
        assert_eq!(frame(listener.next().await), ":\n\n");
    }
    let waited = start.elapsed();
    assert!((30..=45).contains(&waited.as_secs()), "three in {waited:?}");
    // Beats that a slow one slept through are one.
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert_eq!(frame(listener.next().await), ":\n\n");
    assert!(is_silent(&mut listener));
}

#[tokio::test(start_paused = true)]
async fn closing_ends_listeners_now_and_later() {
    let live = Live::new(1);
    let mut waiting = opened(&live, "ralph", None).await;
    let mut behind = opened(&live, "ralph", None).await;
    live.announce(&hub("ralph"), widget(1, "new"));
    data(&mut waiting).await;
    let waiter = tokio::spawn(async move { waiting.next().await });
    tokio::task::yield_now().await;
    live.close();
    assert_eq!(waiter.await.unwrap(), Heard::Closed);
    assert_eq!(behind.next().await, Heard::Closed);
    assert_eq!(live.listen(&hub("ralph"), None).next().await, Heard::Closed);
    assert_eq!(live.listen(&hub("mizmo"), None).next().await, Heard::Closed);
}

#[tokio::test(start_paused = true)]
async fn viewers_are_counted_per_hub() {
    let live = Live::new(1);
    let both = (live.listen(&hub("ralph"), None), live.listen(&hub("ralph"), None));
    let count = || (live.viewers(&hub("ralph")), live.viewers(&hub("mizmo")));
    assert_eq!(count(), (2, 0));
    drop(both.0);
    assert_eq!(count(), (1, 0));
    drop(both.1);
    assert_eq!(count(), (0, 0));
}
