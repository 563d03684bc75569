package simulate

import "math"

// Latency at the 99th percentile is the sum of: what does not depend on the database (BaseMs), the service time of a heavy
// request (ServiceMs, longer where an instance has less than one vCPU), waiting for a processor, and what a cold cache adds.
// Waiting follows M/M/c with the minute's busiest seconds as arrivals: P(W > t) = C exp(-c mu (1-rho) t), with Sakasegawa's
// approximation C = rho^(sqrt(2(c+1))-1). Work that exceeds capacity is not lost: it is a backlog, which every later request waits for.

const fullUse = 0.98 // above it the backlog says more than the formula

// waiting returns milliseconds for a capacity and a busiest use in vCPU; each request takes serviceMs of one vCPU.
func waiting(busiest, capacity, serviceMs float64) float64 {
	rho := min(busiest/capacity, fullUse)
	if rho < 0.3 && capacity >= 1 {
		return 0 // below a millisecond
	}
	servers := math.Max(1, math.Floor(capacity))
	some := math.Pow(rho, math.Sqrt(2*(servers+1))-1)
	if some <= 0.01 {
		return 0 // 99 of 100 find a processor free
	}
	rate := capacity / serviceMs // requests a millisecond
	return math.Log(100*some) / (rate * (1 - rho))
}
