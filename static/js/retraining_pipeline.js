// A mistake's line is a link: it selects that line of the text. Without it the link goes to the text.
document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-line]");
  if (!link) return;
  event.preventDefault();
  const text = document.getElementById("id_text");
  const lines = text.value.split("\n");
  const start = lines.slice(0, link.dataset.line - 1).join("\n").length + (link.dataset.line > 1 ? 1 : 0);
  text.focus();
  text.setSelectionRange(start, start + (lines[link.dataset.line - 1] ?? "").length);
});
