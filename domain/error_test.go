package domain_test

import (
	"testing"

	"lignum/domain"
	"lignum/domain/words"
)

// refused keeps what is measured from being left out.
var refused error

// BenchmarkRefuse is what a refusal costs before anybody reads it.
func BenchmarkRefuse(b *testing.B) {
	for b.Loop() {
		refused = domain.Refuse(domain.Conflict, "classes.learners_are_in_the_class", "Taken", 12, "N", 10)
	}
}

// BenchmarkTextString is what saying it costs.
func BenchmarkTextString(b *testing.B) {
	for name, text := range map[string]words.Text{"filled": words.Say("classes.learners_are_in_the_class", "Taken", 12, "N", 10), "plain": words.Say("classes.the_class_is_full")} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				_ = text.String()
			}
		})
	}
}
