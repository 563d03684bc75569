// True or false is a choice of two.
import choice from "./multiple_choice.js";
export default choice;
