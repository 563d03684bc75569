package simulate

import (
	"errors"
	"fmt"
	"io"
)

// Prices are what an hour of capacity costs. Storage, I/O and backup are left out: they are the same for all strategies,
// because the data and the requests are the same. The proxy is left out too, although it is not: infra/aws/sizes.md has it.
type Prices struct {
	Source  string  `json:"source"`
	ACU     float64 `json:"acu_usd_hour"`         // Serverless v2, one Aurora capacity unit
	Credit  float64 `json:"credit_usd_vcpu_hour"` // of a burstable class, beyond what its credits pay for
	Classes []Class `json:"classes"`              // provisioned, smallest first; then the burstable ones, smallest first
}

// Class is a provisioned instance class. One with a baseline is burstable: each hour it earns Baseline x VCPU x 60 CPU credits,
// of a minute of one vCPU each, keeps those of 24 hours at most, and spends one for each vCPU-minute that it works (EC2 User
// Guide, Key concepts for burstable performance instances). RDS gives it none at launch.
type Class struct {
	Name     string  `json:"name"`
	VCPU     float64 `json:"vcpu"`
	GiB      float64 `json:"gib"`
	Hour     float64 `json:"usd_hour"`
	Speed    float64 `json:"speed,omitempty"`    // of one of its vCPU, those of the first class being 1; 0: the same
	Baseline float64 `json:"baseline,omitempty"` // share of each vCPU that it earns credits for; 0: not burstable
}

// work is what a class does at most, in vCPU of the first class.
func (c *Class) work() float64 { return c.VCPU * c.speed() }

func (c *Class) speed() float64 {
	if c.Speed == 0 {
		return 1
	}
	return c.Speed
}

// mostCredits are the vCPU-minutes that a burstable class saves at most, and that it may borrow before they are charged for.
func (c *Class) mostCredits() float64 { return c.Baseline * c.VCPU * 60 * 24 }

// fixed is the number of classes that are not burstable; they come first.
func (p *Prices) fixed() int {
	for i := range p.Classes {
		if p.Classes[i].Baseline > 0 {
			return i
		}
	}
	return len(p.Classes)
}

// ListPrices are the list prices of Aurora PostgreSQL (Aurora Standard, on demand) in us-east-1 as the authors knew them in
// November 2026, not read from AWS by a program. Look them up at https://aws.amazon.com/rds/aurora/pricing/ before spending.
func ListPrices() Prices {
	return Prices{
		Source: "us-east-1, Aurora PostgreSQL Standard, on demand, list prices known to the authors in 2026-11",
		ACU:    0.12,
		Credit: 0.09,
		Classes: []Class{
			of("db.r8g.large", 2, 16, 0.276), of("db.r8g.xlarge", 4, 32, 0.553), of("db.r8g.2xlarge", 8, 64, 1.106),
			of("db.r8g.4xlarge", 16, 128, 2.212), of("db.r8g.8xlarge", 32, 256, 4.424), of("db.r8g.12xlarge", 48, 384, 6.636),
			of("db.r8g.16xlarge", 64, 512, 8.848), of("db.r8g.24xlarge", 96, 768, 13.272), of("db.r8g.48xlarge", 192, 1536, 26.544),
			// 24 and 36 credits an hour, 576 and 864 at most; Graviton2, whose vCPU does 1 / (1.25 x 1.3) of a Graviton4's.
			{"db.t4g.medium", 2, 4, 0.073, 0.6, 0.2}, {"db.t4g.large", 2, 8, 0.146, 0.6, 0.3},
		},
	}
}

func of(name string, vcpu, gib, hour float64) Class {
	return Class{Name: name, VCPU: vcpu, GiB: gib, Hour: hour}
}

// ReadPrices reads a whole table as JSON.
func ReadPrices(r io.Reader) (Prices, error) {
	var p Prices
	if err := strict(r, &p); err != nil {
		return Prices{}, fmt.Errorf("the prices: %w", err)
	}
	return p, p.Check()
}

// Check says everything that is wrong with a table.
func (p Prices) Check() error {
	var wrong []error
	if p.Source == "" {
		wrong = append(wrong, errors.New("prices: source is empty; say where and when the prices were read"))
	}
	if !(p.ACU > 0 && p.ACU < 1000) {
		wrong = append(wrong, fmt.Errorf("prices: acu_usd_hour is %g; it must be above 0 and below 1000", p.ACU))
	}
	if len(p.Classes) == 0 || len(p.Classes) > 100 {
		wrong = append(wrong, fmt.Errorf("prices: there are %d classes; there must be 1 to 100", len(p.Classes)))
	}
	if !(p.Credit >= 0 && p.Credit < 1000) {
		wrong = append(wrong, fmt.Errorf("prices: credit_usd_vcpu_hour is %g; it must be 0 to 1000", p.Credit))
	}
	fixed := p.fixed()
	if fixed == 0 && len(p.Classes) > 0 {
		wrong = append(wrong, errors.New("prices: the first class must not be burstable"))
	}
	for i, c := range p.Classes {
		if c.Name == "" || !(c.VCPU > 0 && c.VCPU <= 1024) || !(c.GiB > 0 && c.GiB <= 1<<16) || !(c.Hour > 0 && c.Hour < 1e4) {
			wrong = append(wrong, fmt.Errorf("prices: class %q needs a name, vcpu, gib and usd_hour above 0", c.Name))
		}
		if i > 0 && i < fixed && c.VCPU <= p.Classes[i-1].VCPU || i > fixed && c.Hour <= p.Classes[i-1].Hour {
			wrong = append(wrong, fmt.Errorf("prices: class %q needs vcpu above the class before it, or usd_hour if they are burstable", c.Name))
		}
		if !(c.Speed >= 0 && c.Speed <= 10) || !(c.Baseline >= 0 && c.Baseline < 1) || i > fixed && c.Baseline == 0 {
			wrong = append(wrong, fmt.Errorf("prices: class %q needs speed 0 to 10, and baseline above 0 and below 1 where it is burstable, which come last", c.Name))
		}
	}
	return errors.Join(wrong...)
}
