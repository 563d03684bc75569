// A text between questions: there is nothing to read.
export default {};
