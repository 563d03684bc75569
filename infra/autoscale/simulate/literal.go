package simulate

import (
	"fmt"
	"math"
	"slices"

	"lignum/infra/autoscale"
)

// LiteralScale makes the post's record day what it literally says: 1,052,165 million database requests.
const LiteralScale = 1e6

// Literal compares the four strategies for the post's literal figure, one country a million times as large. No cluster holds
// that, so the tenants are divided evenly among as many clusters as our ladder's ceiling needs; every strategy gets as many.
// One cluster is simulated, and its cost multiplied.
func Literal(a Assumptions) (Size, error) {
	a.Scale, a.LadderSize, a.AloneMaxACU = LiteralScale, "region", 256
	if err := a.Check(); err != nil {
		return Size{}, err
	}
	load, err := NewLoad(a, 1)
	if err != nil {
		return Size{}, err
	}
	settings, err := ladder(a, load)
	if err != nil {
		return Size{}, err
	}
	clusters := clustersFor(load, settings)
	size, err := compare(a, load.divide(clusters), settings)
	if err != nil {
		return Size{}, fmt.Errorf("%d clusters: %w", clusters, err)
	}
	size.Clusters = clusters
	for i := range size.Results {
		r := &size.Results[i]
		r.Cost *= float64(clusters)
		for m := range r.MonthCost {
			r.MonthCost[m] *= float64(clusters)
		}
	}
	return size, nil
}

// clustersFor is the number of clusters at which the highest minute takes no more than HighUse of the ladder's ceiling.
func clustersFor(load *Load, s autoscale.Settings) int {
	top := s.Rungs[len(s.Rungs)-1]
	each := top.VCPU
	if top.Class == autoscale.Serverless {
		each = top.MaxACU * autoscale.VCPUPerACU
	}
	need := 0.0
	for m := range load.Minutes {
		w, r := load.WriterBurst[m], load.ReaderBurst[m]
		if top.Readers == 0 {
			w, r = w+r, 0
		}
		need = math.Max(need, math.Max(w/each, r/(each*math.Max(1, float64(top.Readers)))))
	}
	return max(1, int(math.Ceil(need/s.HighUse)))
}

// divide returns the load of one of n clusters among which the tenants are divided evenly.
func (l *Load) divide(n int) *Load {
	part := *l
	share := 1 / float64(n)
	for _, series := range []*[]float64{&part.Requests, &part.Writer, &part.Reader, &part.WriterBurst, &part.ReaderBurst} {
		*series = slices.Clone(*series)
		for m := range *series {
			(*series)[m] *= share
		}
	}
	part.Events = slices.Clone(l.Events)
	for i := range part.Events {
		part.Events[i].Learners = int(math.Ceil(float64(part.Events[i].Learners) * share))
	}
	return &part
}
