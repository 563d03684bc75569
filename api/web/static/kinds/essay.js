// A longer text, as it was typed.
const typed = (el) => el.querySelector("input:not([type=hidden]),textarea");
export default {
  read: (el) => (typed(el).value ? { text: typed(el).value } : {}),
  fill(el, r) { typed(el).value = r.text ?? ""; },
  sound: { text: (v) => typeof v === "string" },
};
