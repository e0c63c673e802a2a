// The head of a request follows its live part, but not under the hands of who uses it, nor to say the same again.
const inUse = (place) => place.querySelector(":active, :popover-open");
const sayTheSame = (one, other) => one.textContent.trim() === other.textContent.trim();

document.addEventListener("htmx:oobBeforeSwap", (event) => {
  const { target, fragment } = event.detail;
  if (inUse(target) || sayTheSame(target, fragment)) event.detail.shouldSwap = false;
});
