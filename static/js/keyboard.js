// Single-key shortcuts, which the reader can switch off (WCAG 2.1.4). The rail says which pages there are.
const KEPT = "keyboard-off";
const box = document.getElementById("keyboard");
const choice = document.querySelector("[data-keyboard-switch]");
let waitsForPlace = 0;

if (choice) {
  choice.checked = !localStorage.getItem(KEPT);
  choice.addEventListener("change", () => (choice.checked ? localStorage.removeItem(KEPT) : localStorage.setItem(KEPT, "1")));
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || localStorage.getItem(KEPT)) return;
  if (Date.now() < waitsForPlace) return go(event.key);
  if (event.key === "g") waitsForPlace = Date.now() + 1500;
  if (event.key === "?") box?.togglePopover();
  if (event.key === "/") focusSearch(event);
});

function go(key) {
  waitsForPlace = 0;
  document.querySelector(`.nav [data-key="${CSS.escape(key)}"]`)?.click();
}

function focusSearch(event) {
  const search = document.querySelector('[data-search], input[type="search"]');
  if (!search) return;
  event.preventDefault();
  search.focus();
  search.select();
}
