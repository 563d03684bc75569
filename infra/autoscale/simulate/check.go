package simulate

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Check names every assumption that is out of its range, at once.
func (a Assumptions) Check() error {
	var wrong []error
	between := func(name string, v, low, high float64) {
		if math.IsNaN(v) || v < low || v > high {
			wrong = append(wrong, fmt.Errorf("%s is %g; it must be %g to %g", name, v, low, high))
		}
	}
	between("year", float64(a.Year), 2001, 2099)
	between("days", float64(a.Days), 1, 365)
	for name, day := range map[string]string{"record_day": a.RecordDay, "storm_date": a.StormDate} {
		if d, err := time.Parse(time.DateOnly, day); err != nil || d.Year() != a.Year {
			wrong = append(wrong, fmt.Errorf("%s is %q; it must be a day of %d, as YYYY-MM-DD", name, day, a.Year))
		}
	}
	between("scale", a.Scale, 1e-3, 1e7)
	for name, v := range map[string]float64{"record_users": a.RecordUsers, "record_requests": a.RecordRequests} {
		between(name, v, 1, 1e13)
	}
	for m := range 12 {
		between(fmt.Sprintf("post_year[%d]", m), a.PostYear[m], 0, 1e9)
		between(fmt.Sprintf("settled_year[%d]", m), a.SettledYear[m], 0, 1e9)
	}
	for h := range 24 {
		between(fmt.Sprintf("hours[%d]", h), a.Hours[h], 0.001, 1000)
		between(fmt.Sprintf("free_hours[%d]", h), a.FreeHours[h], 0.001, 1000)
	}
	sum := 0.0
	for i, s := range a.StartShares {
		between(fmt.Sprintf("start_shares[%d]", i), s, 0, 1)
		sum += s
	}
	between("the sum of start_shares", sum, 0.999, 1.001)
	for name, v := range a.shares() {
		between(name, v, 0, 1)
	}
	for name, v := range a.positive() {
		between(name, v, 1e-4, 1e5)
	}
	between("forecast_error", a.ForecastError, 0, 0.9)
	between("burst", a.Burst, 1, 60)
	between("start_burst", a.StartBurst, 1, 60)
	between("burst_seconds", a.BurstSeconds, 1, 60)
	between("failover_seconds", a.FailoverSeconds, 0, 60)
	between("metric_delay", float64(a.MetricDelay), 1, 10)
	between("forecast_hours", float64(a.ForecastHours), 1, 48)
	between("reactive_minutes", float64(a.ReactiveMinutes), 1, 60)
	between("reactive_cool_down", float64(a.ReactiveCoolDown), 0, 1440)
	between("surprises", float64(a.Surprises), 0, 1000)
	for name, v := range map[string]int{"storm_days": a.StormDays, "storm_recovery_days": a.StormRecoveryDays, "exam_minutes": a.ExamMinutes,
		"live_minutes": a.LiveMinutes, "add_reader_minutes": a.AddReaderMinutes, "resize_minutes": a.ResizeMinutes} {
		between(name, float64(v), 1, 600)
	}
	between("alone_max_acu", a.AloneMaxACU, a.AloneMinACU, 256)
	if a.BaseMs+a.ServiceMs >= a.ObjectiveMs {
		wrong = append(wrong, fmt.Errorf("base_ms and service_ms alone are %g ms; objective_ms (%g) must be above", a.BaseMs+a.ServiceMs, a.ObjectiveMs))
	}
	if a.LadderSize != "" && a.LadderSize != "small" && a.LadderSize != "country" && a.LadderSize != "region" {
		wrong = append(wrong, fmt.Errorf("ladder_size is %q; it must be small, country, region or empty", a.LadderSize))
	}
	if a.CreditMode != Unlimited && a.CreditMode != Standard {
		wrong = append(wrong, fmt.Errorf("credit_mode is %q; it must be %s or %s", a.CreditMode, Unlimited, Standard))
	}
	return errors.Join(append(wrong, a.Prices.Check())...)
}

// CheckReport says whether the time simulated holds what the report shows: the record day's week and the storm.
func (a Assumptions) CheckReport() error {
	if need := max(dayOf(a, a.RecordDay)+4, dayOf(a, a.StormDate)+11); a.Days < need {
		return fmt.Errorf("days is %d; a report shows the record day's week and the storm, so it needs %d at least", a.Days, need)
	}
	return nil
}

func (a Assumptions) shares() map[string]float64 {
	return map[string]float64{"user_noise": a.UserNoise, "minute_noise": a.MinuteNoise, "friday_share": a.FridayShare,
		"saturday_share": a.SaturdayShare, "sunday_share": a.SundayShare, "holiday_share": a.HolidayShare,
		"record_exam_share": a.RecordExamShare, "mock_exam_share": a.MockExamShare, "sitting_share": a.SittingShare,
		"weekly_test_share": a.WeeklyTestShare, "live_share": a.LiveShare, "surprise_share": a.SurpriseShare,
		"read_requests": a.ReadRequests, "start_reads": a.StartReads, "exam_reads": a.ExamReads, "stale_reads": a.StaleReads,
		"cache_share": a.CacheShare, "reactive_low": a.ReactiveLow, "reactive_high": a.ReactiveHigh}
}

func (a Assumptions) positive() map[string]float64 {
	return map[string]float64{"start_requests": a.StartRequests, "exam_requests": a.ExamRequests, "live_join_requests": a.LiveJoinRequests,
		"live_requests": a.LiveRequests, "import_seconds": a.ImportSeconds, "storm_flood": a.StormFlood, "read_ms": a.ReadMs, "write_ms": a.WriteMs,
		"background_vcpu": a.BackgroundVCPU, "serverless_use": a.ServerlessUse, "up_acu": a.UpACU, "up_share": a.UpShare,
		"down_acu": a.DownACU, "alone_min_acu": a.AloneMinACU, "hot_set_gib": a.HotSetGiB, "warm_gib": a.WarmGiB,
		"cold_cost": a.ColdCost, "cold_ms": a.ColdMs, "objective_ms": a.ObjectiveMs, "base_ms": a.BaseMs, "service_ms": a.ServiceMs}
}
