// Steps to be put in order. Each row has its place in a select, which is all there is without this script; with it the rows
// stand in the order of their places, and two buttons beside each move it up and down.
const rows = (el) => [...el.querySelectorAll("[data-step]")];
const place = (row) => row.querySelector("select");
const named = (row) => row.querySelector("label span").textContent.trim().slice(0, 80);
const stand = (all) => all[0].parentNode.append(...all);

export default {
  read(el) {
    const placed = rows(el).filter((row) => place(row).value).map((row) => [row.dataset.step, Number(place(row).value)]);
    return placed.length ? { order: Object.fromEntries(placed) } : {};
  },
  fill(el, r) {
    for (const row of rows(el)) place(row).value = r.order?.[row.dataset.step] || "";
    this.sort(el);
  },
  sort: (el) => stand(rows(el).sort((a, b) => (place(a).value || 99) - (place(b).value || 99))), // those without a place come last
  sound: { order: (v) => v && typeof v === "object" && !Array.isArray(v) && Object.values(v).every(Number.isSafeInteger) },
  start(el, say) {
    let moving = false;
    const move = (row, to, held) => {
      const all = rows(el).filter((one) => one !== row);
      if (to < 0 || to > all.length) return say(to < 0 ? t("script.first_already", { Step: named(row) }) : t("script.last_already", { Step: named(row) }));
      all.splice(to, 0, row);
      stand(all);
      all.forEach((one, i) => { place(one).value = i + 1; });
      held.focus(); // what is moved in a page loses it
      say(t("script.step_place", { Step: named(row), Place: to + 1, Places: all.length }));
      moving = true;
      place(row).dispatchEvent(new Event("change", { bubbles: true }));
      moving = false;
    };
    el.addEventListener("change", (event) => {
      const row = event.target.closest("[data-step]");
      if (!row || moving) return;
      if (place(row).value) return move(row, place(row).value - 1, place(row));
      for (const one of rows(el)) place(one).value = ""; // one without a place: the order is taken back
      say(t("script.order_taken_back"));
    });
    for (const row of rows(el)) {
      for (const [sign, way, by] of [["↑", t("script.move_up", { Step: named(row) }), -1], ["↓", t("script.move_down", { Step: named(row) }), 1]]) {
        const button = Object.assign(document.createElement("button"), { type: "button", className: "second", textContent: sign });
        button.setAttribute("aria-label", way);
        button.addEventListener("click", () => move(row, rows(el).indexOf(row) + by, button));
        place(row).parentNode.append(button);
      }
    }
    el.querySelector("[data-how]").textContent = t("script.how_to_order");
    this.sort(el);
  },
};
