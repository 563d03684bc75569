package api

import (
	"testing"

	"lignum/infra/memory"
)

// Whatever the memory, what is remembered takes a quarter of it at most, and as much as it may when there is enough.
func TestWhatIsRememberedFitsIntoAQuarter(t *testing.T) {
	for _, mib := range []int64{32, 96, 224, 480, 4096, 1 << 20} {
		share := memory.Share{Go: mib << 20}
		bytes := int64(kept(share, itemsKept))*itemBytes + int64(kept(share, papersKept))*paperBytes + int64(kept(share, tokensKept))*tokenBytes + int64(kept(share, workdaysKept))*workdayBytes
		if bytes > share.Quarter() || bytes > keptBytes || bytes < min(keptBytes, share.Quarter())*9/10 {
			t.Errorf("of %d MiB %d MiB are kept", mib, bytes>>20)
		}
	}
	if n := kept(memory.Share{}, 50_000); n != 50_000 {
		t.Errorf("without a limit %d of 50000", n)
	}
}
