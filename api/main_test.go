package api_test

import (
	"testing"

	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }
