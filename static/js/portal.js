// What every page shares. Everything works without it; with it, things answer without a reload.
const root = document.documentElement;
const toasts = document.getElementById("toasts");
root.dataset.script = "on";

// MLflow's client prints addresses of MLflow's own pages after a run; they lead to the same things here.
const printed = location.pathname === "/" && location.hash.match(/^#\/experiments\/(\d+)(?:\/runs\/(\w+))?/);
if (printed) location.replace(printed[2] ? `/runs/${printed[2]}/` : `/experiments/${printed[1]}/`);

// The reader's theme: shown at once, kept by the server in a cookie.
document.addEventListener("submit", (event) => {
  const form = event.target.closest("[data-theme-form]");
  if (!form || !event.submitter) return;
  event.preventDefault();
  const choice = event.submitter.value;
  root.dataset.theme = choice;
  for (const button of form.querySelectorAll("button")) button.setAttribute("aria-pressed", button.value === choice);
  const body = new FormData(form);
  body.set("theme", choice);
  fetch(form.action, { method: "POST", body, redirect: "manual" });
});

// A form is sent once, however often its button is pressed.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post" || form.hasAttribute("hx-post")) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

document.addEventListener("click", async (event) => {
  event.target.closest("[data-dismiss]")?.closest(".toast")?.remove();
  const copy = event.target.closest("[data-copy]");
  if (!copy) return;
  await navigator.clipboard.writeText(copy.dataset.copy);
  toast("Copied.", "ok");
});

/** Shows a sentence in the corner; one with a name replaces the one of that name. */
function toast(sentence, tone, name = "") {
  if (name) toasts.querySelector(`[data-name="${name}"]`)?.remove();
  const box = document.createElement("div");
  box.className = `toast ${tone}`;
  box.dataset.name = name;
  box.append(Object.assign(document.createElement("div"), { textContent: sentence }));
  toasts.append(box);
  if (tone === "ok") setTimeout(() => box.remove(), 4000);
}

// Fragments: an answer that is the sign-in page means the session is over; a 5xx leaves the page as it is.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.xhr.responseURL.includes("/accounts/sign-in/")) {
    event.detail.shouldSwap = false;
    location.reload();
  }
});
const away = () => toast("The portal does not answer right now. What you see may be old; it goes on by itself.", "warn", "away");
document.addEventListener("htmx:responseError", (event) => event.detail.xhr.status >= 500 && away());
document.addEventListener("htmx:sendError", away);
document.addEventListener("htmx:afterOnLoad", (event) => {
  if (event.detail.xhr.status < 500) toasts.querySelector('[data-name="away"]')?.remove();
});
