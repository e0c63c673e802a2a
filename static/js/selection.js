// Many rows at once: in a [data-selects] container, [data-select-all] ticks every row checkbox, shift-click a range,
// and [data-selected-count] says how many are ticked.
let last = null;

const boxesOf = (area) => [...area.querySelectorAll('input[type="checkbox"]:not([data-select-all], :disabled)')];

function show(area) {
  const boxes = boxesOf(area);
  const ticked = boxes.filter((box) => box.checked).length;
  for (const place of area.querySelectorAll("[data-selected-count]")) place.textContent = ticked;
  for (const all of area.querySelectorAll("[data-select-all]")) {
    all.checked = ticked > 0 && ticked === boxes.length;
    all.indeterminate = ticked > 0 && ticked < boxes.length;
  }
}

document.addEventListener("click", (event) => {
  const box = event.target;
  const area = box.closest?.("[data-selects]");
  if (!area || box.type !== "checkbox") return;
  const boxes = boxesOf(area);
  if (box.hasAttribute("data-select-all")) for (const one of boxes) one.checked = box.checked;
  else if (event.shiftKey && boxes.includes(last)) {
    const [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].sort((a, b) => a - b);
    for (const one of boxes.slice(from, to + 1)) one.checked = box.checked;
  }
  if (!box.hasAttribute("data-select-all")) last = box;
  show(area);
});

const showAll = () => document.querySelectorAll("[data-selects]").forEach(show);
document.addEventListener("htmx:afterSettle", showAll);
window.addEventListener("pageshow", showAll);
