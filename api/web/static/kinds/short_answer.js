// A few words, typed as an essay is. The answer that stands is short enough to be named.
import text from "./essay.js";
export default { ...text, standing: (r) => r.text ?? "" };
