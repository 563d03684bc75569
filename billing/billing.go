// Package billing is what the rooms of bills share: sums of money, decimal numbers, dates and periods. A bill is computed by pure functions: meter counts what
// was used, plan says what it costs, rate makes lines of the two, tax adds what the law asks, invoice puts the document together, render prints it, and
// verify, which shares none of it, computes it again from the evidence. None of them knows a database, a request or the time of day: whoever calls hands
// in the date. Types are stored as JSON documents and read back as they were.
//
// What may come in: what two of these rooms need. Tables, jobs and pages of bills stand on them.
package billing

import (
	"math/big"
	"slices"
)

// Share splits a whole into parts that add up to it and are as near to their exact sizes as whole numbers can be: the largest remainder. Each part is its exact
// size, rounded down; what is missing to the whole goes by one to the parts that lost most, of equal ones to the first. The whole must be within len(exact) of
// the exact sizes' sum, as the rounded sum of them is.
func Share(whole int64, exact []*big.Rat) []int64 {
	parts, lost, order := make([]int64, len(exact)), make([]*big.Rat, len(exact)), make([]int, len(exact))
	left := whole
	for i, e := range exact {
		down := new(big.Int).Div(e.Num(), e.Denom()) // Euclid's, which is down for a denominator above zero
		parts[i], order[i] = down.Int64(), i
		lost[i] = new(big.Rat).Sub(e, new(big.Rat).SetInt(down))
		left -= parts[i]
	}
	slices.SortStableFunc(order, func(a, b int) int { return lost[b].Cmp(lost[a]) })
	for i := 0; left != 0 && len(order) > 0; i++ {
		step := int64(1)
		if left < 0 {
			step = -1
		}
		parts[order[i%len(order)]] += step
		left -= step
	}
	return parts
}
