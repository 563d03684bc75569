// One choice or several: what is ticked, by the ids of the choices.
const boxes = (el) => [...el.querySelectorAll("input[type=radio],input[type=checkbox]")];
export default {
  read(el) {
    const choice = boxes(el).filter((i) => i.checked && i.value).map((i) => i.value);
    return choice.length ? { choice } : {};
  },
  fill(el, r) { for (const i of boxes(el)) i.checked = (r.choice || []).includes(i.value); },
  sound: { choice: (v) => Array.isArray(v) && v.every((id) => typeof id === "string") },
};
