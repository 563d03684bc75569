package simulate

import (
	"fmt"

	"lignum/infra/autoscale"
)

// find returns the index of a member by its name, or -1.
func (c *cluster) find(id string) int {
	for i := range c.n {
		if c.members[i].id == id {
			return i
		}
	}
	return -1
}

// do carries out one action as the RDS API would, or says why RDS would refuse it.
func (c *cluster) do(act autoscale.Action) error {
	class := serverlessIndex
	if act.Class != "" && act.Class != autoscale.Serverless {
		if class = c.a.class(act.Class); class < 0 {
			return fmt.Errorf("the prices have no class %q; add it with --prices", act.Class)
		}
	}
	at := c.find(act.Instance)
	switch act.Kind {
	case "":
		return nil
	case autoscale.SetRange:
		if act.MinACU < 0.5 || act.MaxACU < act.MinACU || act.MaxACU > 256 {
			return fmt.Errorf("a range of %g to %g ACU", act.MinACU, act.MaxACU)
		}
		c.min, c.max = act.MinACU, act.MaxACU
		c.count[setRange]++
		return nil
	case autoscale.AddReader:
		if c.n == mostInstances {
			return fmt.Errorf("a reader beyond the %d instances that a cluster may have", mostInstances)
		}
		if act.Instance == "" || at >= 0 {
			return fmt.Errorf("a new reader named %q, which is empty or taken", act.Instance)
		}
		c.join(act.Instance, class, c.a.AddReaderMinutes)
		c.count[addReader]++
		return nil
	}
	if at < 0 || c.members[at].writer || c.members[at].away > 0 {
		return fmt.Errorf("%s of %q, which is not a reader that is available", act.Kind, act.Instance)
	}
	switch act.Kind {
	case autoscale.RemoveReader:
		c.leave(&c.members[at])
		c.n--
		c.members[at] = c.members[c.n]
		c.count[removeReader]++
	case autoscale.ResizeReader:
		c.members[at].next, c.members[at].away = class, c.a.ResizeMinutes
		c.count[resizeReader]++
	case autoscale.FailOver:
		for i := range c.n {
			c.members[i].writer = i == at
		}
		c.failing = true
		c.count[failOver]++
	default:
		return fmt.Errorf("an action %q, which nobody knows", act.Kind)
	}
	return nil
}

// class returns the index of a provisioned class, or -1.
func (a *Assumptions) class(name string) int {
	for i, c := range a.Prices.Classes {
		if c.Name == name {
			return i
		}
	}
	return -1
}
