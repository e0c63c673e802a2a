// A log that is read at its end stays at its end while it grows.
const log = document.querySelector("[data-log]");
let follows = true;

const atEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < 24;
const toEnd = () => (log.scrollTop = log.scrollHeight);

toEnd();
log.addEventListener("scroll", () => (follows = atEnd()));
document.addEventListener("htmx:afterSettle", () => {
  if (follows) toEnd();
  find();
});

// Only the lines with the words that somebody looks for, each with its number; the whole log goes on below it.
const field = document.querySelector("[data-log-find]");
const found = document.querySelector("[data-log-lines]");
function find() {
  const words = field.value.toLowerCase();
  log.hidden = Boolean(words);
  found.hidden = !words;
  if (!words) return (document.querySelector("[data-log-found]").textContent = "");
  const lines = log.textContent.split("\n").map((line, at) => [at + 1, line]).filter(([, line]) => line.toLowerCase().includes(words));
  found.textContent = lines.map(([at, line]) => `${at}: ${line}`).join("\n");
  document.querySelector("[data-log-found]").textContent = lines.length === 1 ? "1 line" : `${lines.length} lines`;
}
field.addEventListener("input", find);
