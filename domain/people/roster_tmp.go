package people

const rosterReason = "roster"
