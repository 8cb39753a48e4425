// A hub on a wall: each column shows as many cards as fit, and goes on to the next ones by itself.
//
// Without this file all cards are there, below each other.

const EVERY = 15_000;

/** Turns the pages of both columns; the button, or a space, stops and goes on. */
export function rotate(main, say) {
  const columns = [...main.querySelectorAll(".column")].map((element) => ({ element, page: 0 }));
  const button = document.getElementById("pause");
  let timer = 0;
  const show = () => columns.forEach(turnTo);
  const next = () => {
    for (const column of columns) column.page += 1;
    show();
  };
  const run = (going) => {
    clearInterval(timer);
    timer = going ? setInterval(next, EVERY) : 0;
    button.textContent = say(going ? "pause" : "go-on");
    button.setAttribute("aria-pressed", String(!going));
  };
  button.hidden = false;
  button.addEventListener("click", () => run(!timer));
  addEventListener("resize", show);
  document.addEventListener("keydown", (event) => {
    if (event.target === button || ![" ", "ArrowRight"].includes(event.key)) return;
    event.preventDefault();
    if (event.key === " ") run(!timer);
    else next();
  });
  show();
  run(true);
}

/** Shows one page of a column: cards that fit into the window together, at least one. */
function turnTo(column) {
  const cards = [...column.element.children].filter((card) => !card.hidden);
  for (const card of cards) card.removeAttribute("data-off");
  const room = innerHeight - (column.element.getBoundingClientRect().top + scrollY);
  const pages = [];
  let start = 0;
  for (const card of cards) {
    const { top, bottom } = card.getBoundingClientRect();
    if (!pages.length || bottom - start > room) {
      pages.push([]);
      start = top;
    }
    pages.at(-1).push(card);
  }
  const shown = pages[column.page % Math.max(pages.length, 1)] ?? [];
  for (const card of cards) card.toggleAttribute("data-off", !shown.includes(card));
}
