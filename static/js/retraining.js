// The segment picker: find, tick many, count. Without it the boxes, "all" and the pasted list do the same.
const picker = document.querySelector("[data-picker]");
const labels = [...picker.querySelectorAll("[data-words]")];
const boxOf = (label) => label.querySelector("input");
const shown = (label) => !label.hidden;

function tick(some, on) {
  for (const label of some) boxOf(label).checked = on;
  count();
  picker.dispatchEvent(new Event("change", { bubbles: true }));
}

function count() {
  picker.querySelector("[data-picker-count]").textContent = labels.filter((label) => boxOf(label).checked).length;
}

picker.addEventListener("change", count);
picker.addEventListener("click", (event) => {
  const all = event.target.closest("[data-picker-all]");
  if (all) tick(all.dataset.pickerAll ? labels.filter(shown) : labels, Boolean(all.dataset.pickerAll));
  const group = event.target.closest("[data-picker-toggle]")?.closest("[data-picker-group]");
  if (!group) return;
  const within = labels.filter((label) => group.contains(label) && shown(label));
  tick(within, !within.every((label) => boxOf(label).checked));
});

// By how champions stand: the link's address would do the same, and forget what was typed.
function choose(wanted) {
  picker.querySelector('[name="scope"][value="chosen"]').checked = true;
  for (const label of labels) boxOf(label).checked = wanted(label.dataset);
  tick([], true);
}
picker.addEventListener("click", (event) => {
  const pick = event.target.closest("[data-picker-champions]");
  if (!pick || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  choose((data) => data.champion.split(" ").includes(pick.dataset.pickerChampions));
});
const age = picker.querySelector("[data-picker-age]");
age?.addEventListener("input", (event) => event.stopPropagation());
age?.addEventListener("change", (event) => {
  event.stopPropagation();
  if (age.value !== "") choose((data) => data.age !== "" && Number(data.age) > Number(age.value));
});
age?.addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault();
  age.dispatchEvent(new Event("change", { bubbles: true }));
});

const filter = picker.querySelector("[data-picker-filter]");
filter.addEventListener("input", (event) => {
  event.stopPropagation(); // it is no part of what is sent
  const words = filter.value.toLowerCase().split(/\s+/);
  for (const label of labels) label.hidden = !words.every((word) => label.dataset.words.toLowerCase().includes(word));
  for (const group of picker.querySelectorAll("[data-picker-group]")) group.hidden = !labels.some((label) => group.contains(label) && shown(label));
});
filter.addEventListener("change", (event) => event.stopPropagation());
filter.addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault());
