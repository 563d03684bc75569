// Pairs: the option that was put to each left side.
const sides = (el) => [...el.querySelectorAll("select")];
export default {
  read(el) {
    const chosen = sides(el).filter((s) => s.value).map((s) => [s.dataset.left, s.value]);
    return chosen.length ? { match: Object.fromEntries(chosen) } : {};
  },
  fill(el, r) { for (const s of sides(el)) s.value = r.match?.[s.dataset.left] || ""; },
  sound: { match: (v) => v && typeof v === "object" && !Array.isArray(v) && Object.values(v).every((id) => typeof id === "string") },
};
