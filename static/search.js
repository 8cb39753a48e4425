// Search in a hub: what has all the words stays, as one types; the rest is out of sight until the search is another.
//
// Without this file the server does it, card by card.

/** Without case and accents, so that `cafe` finds `Café`. */
const fold = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

/** Attaches to the search of the page's bar. Returns what looks over the cards again once they are redrawn. */
export function search(main, say) {
  const input = document.querySelector(".search input");
  const none = document.getElementById("none");
  const count = document.getElementById("found");

  function look() {
    const words = fold(input.value).split(/\s+/).filter(Boolean);
    const has = (text) => words.every((word) => fold(text).includes(word));
    let found = 0;
    for (const card of main.querySelectorAll(".card")) {
      const shown = sift(card, has);
      card.toggleAttribute("data-out", !shown);
      found += shown && !card.hidden ? 1 : 0;
    }
    none.hidden = found > 0 || words.length === 0;
    none.querySelector("q").textContent = input.value;
    none.querySelector("a").href = `/?q=${encodeURIComponent(input.value)}`;
    light(main, words);
    return words.length ? say("boxes", { n: found, all: main.querySelectorAll(".card:not([hidden])").length }) : "";
  }

  let timer = 0;
  input.addEventListener("input", () => {
    const address = new URL(location.href);
    if (input.value.trim()) address.searchParams.set("q", input.value);
    else address.searchParams.delete("q");
    history.replaceState(history.state, "", address);
    const said = look();
    // Said when the typing rests, not with every letter.
    clearTimeout(timer);
    timer = setTimeout(() => (count.textContent = said), 600);
  });
  input.form.addEventListener("submit", (event) => event.preventDefault());
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !input.value) return;
    event.preventDefault();
    input.value = "";
    input.dispatchEvent(new Event("input"));
  });
  if (input.value) look();
  return () => input.value && look();
}

/** Puts the entries of a card out that do not match where others do. Returns whether the card has anything. */
function sift(card, has) {
  // The parts of an entry go with it.
  const rows = [...card.querySelectorAll(".card-body :is(li[data-key], [data-key]:not(:has([data-key]))):not(li[data-key] *)")];
  const title = card.querySelector("h2")?.textContent ?? "";
  const body = card.querySelector(".card-body")?.textContent ?? "";
  const matching = rows.filter((row) => has(`${title} ${row.textContent}`));
  const whole = has(title) || matching.length === 0;
  for (const row of rows) row.toggleAttribute("data-out", !whole && !matching.includes(row));
  if (!whole) for (const row of matching) row.closest("details:not([open])")?.setAttribute("open", "");
  return matching.length > 0 || has(`${title} ${body}`);
}

/** Marks the words where the browser can without touching the page. */
function light(main, words) {
  if (!CSS.highlights) return;
  const ranges = [];
  const texts = document.createTreeWalker(main, NodeFilter.SHOW_TEXT);
  while (words.length && texts.nextNode()) {
    const text = texts.currentNode;
    if (!text.parentElement.closest(".card-body, h2")) continue;
    const folded = fold(text.data);
    // Where folding changes the length, places are no longer the same.
    if (folded.length !== text.data.length) continue;
    for (const word of words) {
      for (let at = folded.indexOf(word); at >= 0; at = folded.indexOf(word, at + word.length)) {
        const range = new Range();
        range.setStart(text, at);
        range.setEnd(text, at + word.length);
        ranges.push(range);
      }
    }
  }
  CSS.highlights.set("found", new Highlight(...ranges));
}
