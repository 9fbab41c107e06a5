// What a page can do more when scripts run: nothing here is needed to use the shop.

const seen = document.querySelector('meta[name="seen"]');
const toast = document.querySelector(".toast");
let toastTimer = 0;

/** Say something for a while, with at most one button. */
function say(message, label = "", act = null) {
  const [text, button] = toast.children;
  text.textContent = message;
  button.textContent = label;
  button.hidden = !act;
  button.onclick = act;
  toast.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { toast.hidden = true; }, act ? 8000 : 4000);
}

/** Post a form without leaving the page; null when that did not work. */
async function post(form, extra) {
  const body = new URLSearchParams(new FormData(form));
  for (const [name, value] of Object.entries(extra)) body.set(name, value);
  try {
    const response = await fetch(form.action, { method: "POST", body, headers: { accept: "application/json" } });
    return await response.json();
  } catch {
    return null;
  }
}

function count(selector, value) {
  const badge = document.querySelector(selector);
  badge.textContent = value;
  badge.hidden = !value;
}

// --- what is done to an item

const OPPOSITES = { favourite: "unfavourite", unfavourite: "favourite", like: "unlike", unlike: "like" };

async function act(form, button, name, note = "") {
  const told = await post(form, { do: name });
  if (!told || !told.done) {
    say(told ? told.message : seen.dataset.failed);
    return;
  }
  count("[data-basket-count]", told.basket_count);
  count("[data-saved-count]", told.saved_count);
  if (OPPOSITES[name]) {
    button.value = OPPOSITES[name];
    button.setAttribute("aria-pressed", String(!name.startsWith("un")));
  }
  const card = form.closest(".card");
  if (name === "hide" || name === "unhide") {
    form.querySelector(":popover-open")?.hidePopover();
    if (card) card.hidden = name === "hide";
  }
  const undoable = name === "hide" || name === "cart";
  say(note + told.message, told.undo_label, undoable ? () => { toast.hidden = true; act(form, button, told.undo); } : null);
}

async function share(path) {
  const address = new URL(path, location.href).href;
  try {
    if (navigator.share) await navigator.share({ url: address, title: document.title });
    else {
      await navigator.clipboard.writeText(address);
      return `${seen.dataset.copied} `;
    }
  } catch {
    // RefusedError or called off: the event is still true, the visitor asked to share.
  }
  return "";
}

for (const form of document.querySelectorAll("form[data-act]")) {
  form.addEventListener("submit", async (event) => {
    const button = event.submitter;
    if (!button || button.name !== "do") return;
    event.preventDefault();
    const note = button.dataset.share ? await share(button.dataset.share) : "";
    await act(form, button, button.value, note);
  });
}

for (const form of document.querySelectorAll("form[data-rate]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const rating = event.submitter.value;
    const told = await post(form, { rating });
    if (told?.done) form.querySelector(".stars").dataset.rated = rating;
    say(told ? told.message : seen.dataset.failed);
  });
}

// --- rows with arrows

for (const row of document.querySelectorAll(".row")) {
  const arrows = row.closest(".section").querySelectorAll("[data-scroll]");
  const show = () => {
    const room = row.scrollWidth - row.clientWidth;
    for (const arrow of arrows) {
      arrow.classList.toggle("unneeded", room < 2);
      arrow.disabled = arrow.dataset.scroll === "-1" ? row.scrollLeft < 2 : row.scrollLeft > room - 2;
    }
  };
  for (const arrow of arrows) {
    arrow.addEventListener("click", () => row.scrollBy({ left: Number(arrow.dataset.scroll) * row.clientWidth * 0.8, behavior: "smooth" }));
  }
  row.addEventListener("scroll", show, { passive: true });
  new ResizeObserver(show).observe(row);
}

// --- codes to copy, appearance at once

for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) {
    button.classList.add("unneeded");
    continue;
  }
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    say(seen.dataset.copied);
  });
}

for (const select of document.querySelectorAll("[data-theme-switch]")) {
  select.addEventListener("change", () => { document.documentElement.dataset.theme = select.value; });
}

// --- impressions: half of a place on the screen for half a second, each once a page

const waiting = new Set();
const timers = new Map();

function send() {
  if (!waiting.size) return;
  const batch = [...waiting].slice(0, 100);
  const body = JSON.stringify({ csrf: seen.dataset.csrf, seen: batch });
  if (navigator.sendBeacon(seen.content, body)) for (const ticket of batch) waiting.delete(ticket);
}

const observer = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    const place = entry.target;
    clearTimeout(timers.get(place));
    if (!entry.isIntersecting) continue;
    timers.set(place, setTimeout(() => {
      observer.unobserve(place);
      waiting.add(place.dataset.ticket ?? place.querySelector('[name="ticket"]').value);
    }, 500));
  }
}, { threshold: 0.5 });

for (const place of document.querySelectorAll("[data-seen]")) observer.observe(place);
setInterval(send, 3000);
addEventListener("pagehide", send);
document.addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden") send(); });
