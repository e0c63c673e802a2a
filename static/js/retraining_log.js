// A log that is read at its end stays at its end while it grows.
const log = document.querySelector("[data-log]");
let follows = true;

const atEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < 24;
const toEnd = () => (log.scrollTop = log.scrollHeight);

toEnd();
log.addEventListener("scroll", () => (follows = atEnd()));
document.addEventListener("htmx:afterSettle", () => follows && toEnd());
