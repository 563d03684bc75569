package tenants_test

import (
	"syscall"
	"testing"
	"time"

	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tests/testkit"
)

// cpu is the processor time that the process has used.
func cpu(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkWriteByPgxAlone is an audited change of one row that does not ask for GORM: what it costs must not depend on whether others do.
func BenchmarkWriteByPgxAlone(b *testing.B) {
	w, ctx := testkit.New(b), b.Context()
	db := w.DB("jamaica")
	write := func() {
		if err := db.Write(ctx, w.Actor, func(tx *tenants.Tx) error {
			tx.Record(audit.Entry{Action: "bench", ObjectKind: "school"})
			_, err := tx.Exec(ctx, "UPDATE branding SET name = $1::text", "Jamaica")
			return err
		}); err != nil {
			b.Fatal(err)
		}
	}
	write() // opens the connection
	b.ReportAllocs()
	before := cpu(b)
	for b.Loop() {
		write()
	}
	b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
}
