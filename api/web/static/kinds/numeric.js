// A number. While it is being typed it is a sign, or digits with the beginning of what may follow: no mistake yet.
const beginning = /^\s*[+\p{Pd}\u2212]?\s*[\p{Nd},\uff0c]*[.\uff0e]?\p{Nd}*(?:[eE][+\p{Pd}\u2212]?\p{Nd}*)?\s*$/u;
const number = /^\s*(?:[+\p{Pd}\u2212]?(?:(?:\p{Nd}{1,3}(?:,\p{Nd}{3})+|\p{Nd}+)(?:\.\p{Nd}*)?|\.\p{Nd}+)(?:[eE][+\p{Pd}\u2212]?\p{Nd}{1,3})?)?\s*$/u;
const typed = (el) => el.querySelector("input:not([type=hidden])");
export default {
  read: (el) => (typed(el).value.trim() ? { number: typed(el).value.trim() } : {}),
  fill(el, r) { typed(el).value = r.number ?? ""; },
  sound: { number: (v) => typeof v === "string" },
  unfinished: (el) => beginning.test(typed(el).value) && !number.test(typed(el).value),
  standing: (r) => r.number ?? "",
};
