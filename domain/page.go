package domain

// Rows is how many a page of a list has when nobody asks for another number: a class, which a phone loads quickly.
const Rows = 30
